/**
 * Price files of the shapes that the vendors document, with as little in them as shows what is chosen
 * and what is left out. The figures are our own.
 */

/** AWSDataTransfer, AmazonEC2 and AmazonVPC. */
export function awsFiles({ firstTier = '0' } = {}): unknown[] {
  const transfer = offerFile('AWSDataTransfer', '2026-10-02T00:00:00Z', [
    transferOf('OUT', 'AWS Outbound', 'eu-central-1', 'External', 'EUC1-DataTransfer-Out-Bytes', [
      [firstTier, '10240', '0.0900000000'],
      ['51200', 'Inf', '0.0700000000'],
      ['10240', '51200', '0.0850000000'],
    ]),
    transferOf('OTHER', 'AWS Outbound', 'us-east-1', 'External', 'DataTransfer-Out-Bytes', [
      ['0', 'Inf', '0.0500000000'],
    ]),
    transferOf(
      'ABYTES',
      'AWS Outbound',
      'eu-central-1',
      'External',
      'EUC1-DataTransfer-Out-ABytes',
      [['0', 'Inf', '9.0000000000']],
    ),
    transferOf('ZONE', 'IntraRegion', 'eu-central-1', '', 'EUC1-DataTransfer-Regional-Bytes', [
      ['0', 'Inf', '0.0100000000'],
    ]),
    ...['0.0200000000', '0.0200000000', '0.0100000000', '0.1470000000'].map((price, index) =>
      transferOf(`TO${index}`, 'InterRegion Outbound', 'eu-central-1', '', `EUC1-R${index}-Bytes`, [
        ['0', 'Inf', price],
      ]),
    ),
  ])
  const compute = (sku: string, changed: Record<string, string>, price: string) => ({
    sku,
    productFamily: 'Compute Instance',
    attributes: {
      ...{ servicecode: 'AmazonEC2', regionCode: 'eu-central-1', instanceType: 'c6i.large' },
      ...{ operatingSystem: 'Linux', tenancy: 'Shared', preInstalledSw: 'NA' },
      ...{ capacitystatus: 'Used', usagetype: 'EUC1-BoxUsage:c6i.large', ...changed },
    },
    tiers: [['0', 'Inf', price]] as Tiers,
    unit: 'Hrs',
  })
  const nodes = offerFile('AmazonEC2', '2026-09-30T12:00:00Z', [
    compute('NODE', {}, '0.0970000000'),
    compute('WINDOWS', { operatingSystem: 'Windows' }, '0.1890000000'),
    compute('DEDICATED', { tenancy: 'Dedicated' }, '0.1030000000'),
    compute('LARGER', { instanceType: 'c6i.xlarge' }, '0.1940000000'),
    compute('FAR', { regionCode: 'us-east-1' }, '0.0850000000'),
  ])
  const addresses = offerFile('AmazonVPC', '2026-09-30T12:00:00Z', [
    {
      sku: 'IPV4',
      productFamily: 'VpcPublicIPv4Address',
      attributes: { regionCode: 'eu-central-1', usagetype: 'EUC1-PublicIPv4:InUseAddress' },
      tiers: [['0', 'Inf', '0.0050000000']],
      unit: 'Hrs',
    },
  ])
  return [transfer, nodes, addresses]
}

type Tiers = [begin: string, end: string, price: string][]
type Product = {
  sku: string
  productFamily: string
  attributes: Record<string, string>
  tiers: Tiers
  unit: string
}

function transferOf(
  ...[sku, transferType, from, toLocation, usagetype, tiers]: [
    string,
    string,
    string,
    string,
    string,
    Tiers,
  ]
): Product {
  const attributes = {
    ...{ servicecode: 'AWSDataTransfer', transferType, fromRegionCode: from },
    ...{ fromLocation: 'somewhere', toLocation, usagetype, operation: '' },
  }
  return { sku, productFamily: 'Data Transfer', attributes, tiers, unit: 'GB' }
}

function offerFile(offerCode: string, publicationDate: string, list: Product[]): unknown {
  const terms = list.map(({ sku, tiers, unit }) => {
    const dimensions = tiers.map(([beginRange, endRange, price], index) => [
      `${sku}.JRTCKXETXF.R${index}`,
      {
        ...{ rateCode: `${sku}.JRTCKXETXF.R${index}`, description: 'ours', unit },
        ...{ beginRange, endRange, pricePerUnit: { USD: price }, appliesTo: [] },
      },
    ])
    const term = {
      ...{ offerTermCode: 'JRTCKXETXF', sku, effectiveDate: '2026-09-01T00:00:00Z' },
      ...{ priceDimensions: Object.fromEntries(dimensions), termAttributes: {} },
    }
    return [sku, { [`${sku}.JRTCKXETXF`]: term }]
  })
  const products = list.map(({ sku, productFamily, attributes }) => [
    sku,
    { sku, productFamily, attributes },
  ])
  return {
    ...{ formatVersion: 'v1.0', disclaimer: 'ours', offerCode, publicationDate },
    products: Object.fromEntries(products),
    terms: { OnDemand: Object.fromEntries(terms), Reserved: {} },
  }
}

/** One page of the SKUs of Compute Engine. */
export function gcpPage(): unknown {
  const premium: Rates = [
    [0, 120_000_000],
    [1024, 110_000_000],
    [10_240, 80_000_000],
  ]
  const out = (to: string, rates = premium) =>
    sku(
      `Network Internet Data Transfer Out from Frankfurt to ${to}`,
      'PremiumInternetEgress',
      rates,
    )
  return {
    skus: [
      out('Western Europe'),
      out('Americas'),
      out('South America', [[0, 190_000_000]]),
      out('China', [[0, 230_000_000]]),
      sku(
        'Network Standard Data Transfer Out to Internet from Frankfurt',
        'StandardInternetEgress',
        [
          [0, 0],
          [200, 85_000_000],
        ],
      ),
      sku('Network Internet Data Transfer In from Americas to Frankfurt', 'PremiumInternetEgress', [
        [0, 0],
      ]),
      sku('Network Inter Zone Data Transfer Out', 'InterzoneEgress', [[0, 10_000_000]], ['global']),
      sku('Network Inter Region Data Transfer Out from Frankfurt to Paris', 'InterregionEgress', [
        [0, 20_000_000],
      ]),
      sku('N2 Instance Core running in Frankfurt', 'CPU', [[0, 40_500_000]]),
      sku('N2 Instance Ram running in Frankfurt', 'RAM', [[0, 5_500_000]]),
      { ...sku('Spot Preemptible N2 Instance Core running in Frankfurt', 'CPU', [[0, 9_000_000]]) },
      sku('N2D AMD Instance Core running in Frankfurt', 'CPU', [[0, 1_000_000]]),
      sku('N2 Instance Core running in Paris', 'CPU', [[0, 1_000_000]], ['europe-west9']),
      sku(
        'External IP Charge on a Standard VM',
        'IpAddress',
        [
          [0, 0],
          [744, 5_000_000],
        ],
        ['global'],
      ),
      { name: 'a SKU of another form' },
    ],
    nextPageToken: '',
  }
}

type Rates = [startUsageAmount: number, nanos: number][]

function sku(description: string, resourceGroup: string, rates: Rates, regions = ['europe-west3']) {
  const tieredRates = rates.map(([startUsageAmount, nanos]) => ({
    startUsageAmount,
    unitPrice: { currencyCode: 'USD', units: '0', nanos },
  }))
  return {
    ...{ name: 'services/6F81-5844-456A/skus/X', skuId: description, description },
    category: {
      ...{ serviceDisplayName: 'Compute Engine', resourceFamily: 'Network', resourceGroup },
      usageType: description.startsWith('Spot') ? 'Preemptible' : 'OnDemand',
    },
    serviceRegions: regions,
    pricingInfo: [
      {
        ...{ summary: '', currencyConversionRate: 1, effectiveTime: '2026-09-01T07:00:00Z' },
        pricingExpression: { usageUnit: 'GiBy', displayQuantity: 1, tieredRates },
      },
    ],
    serviceProviderName: 'Google',
  }
}

/** One page of an answer of the Retail Prices API. */
export function azurePage(currencyCode = 'USD'): unknown {
  const item = (
    serviceName: string,
    productName: string,
    meterName: string,
    retailPrice: number,
    more: Record<string, unknown> = {},
  ) => ({
    ...{ currencyCode, tierMinimumUnits: 0, retailPrice, unitPrice: retailPrice },
    ...{ armRegionName: 'westeurope', location: 'EU West', unitOfMeasure: '1 GB' },
    ...{ effectiveStartDate: '2026-08-01T00:00:00Z', meterId: 'x', productId: 'x', skuId: 'x' },
    ...{ meterName, productName, skuName: 'Standard', serviceName, serviceFamily: 'Networking' },
    ...{ type: 'Consumption', isPrimaryMeterRegion: true, armSkuName: '', ...more },
  })
  const out = (productName: string, from: number, price: number) =>
    item('Bandwidth', productName, 'Standard Data Transfer Out', price, { tierMinimumUnits: from })
  const machine = (price: number, more: Record<string, unknown> = {}) =>
    item('Virtual Machines', 'Virtual Machines FSv2 Series', 'F2s v2', price, {
      ...{ armSkuName: 'Standard_F2s_v2', skuName: 'F2s v2', unitOfMeasure: '1 Hour', ...more },
    })
  return {
    ...{ BillingCurrency: currencyCode, CustomerEntityId: 'Default' },
    Items: [
      out('Rtn Preference: MGN', 10_335, 0.083),
      out('Rtn Preference: MGN', 0, 0),
      out('Rtn Preference: MGN', 100, 0.087),
      out('Bandwidth - Routing Preference: Internet', 0, 0),
      out('Bandwidth - Routing Preference: Internet', 100, 0.08),
      item('Bandwidth', 'Inter-Region', 'Intra Continent Data Transfer Out', 0.02),
      item(
        ...(['Bandwidth', 'Inter-Region'] as const),
        ...(['Inter Continent Data Transfer Out - NAM or EU To Any', 0.05] as const),
      ),
      machine(0.097),
      machine(0.19, { productName: 'Virtual Machines FSv2 Series Windows' }),
      machine(0.02, { skuName: 'F2s v2 Spot' }),
      machine(500, { type: 'Reservation' }),
      machine(0.08, { armRegionName: 'eastus' }),
      item('Virtual Network', 'IP Addresses', 'Standard IPv4 Static Public IP', 0.005),
    ],
    NextPageLink: null,
    Count: 13,
  }
}
