import {
  CeCostAllocationTag,
  CloudfrontDistribution,
  CloudfrontFunction,
  CloudfrontOriginAccessControl,
  CloudfrontResponseHeadersPolicy,
  type Construct,
  DataAwsRoute53Zone,
  Route53HealthCheck,
  Route53Record,
  type S3Bucket,
} from '../aws.ts'
import type { RegionConfig } from '../config/load.ts'
import { accessLogs, privateBucket } from './bucket.ts'
import type { DnsStack } from './dns.ts'
import { type NetworkStack, WEB_PORT } from './network.ts'
import { pageHeaders } from './page-headers.ts'
import { COST_TAGS, ParleyStack, type StackOptions } from './stack.ts'

/** CloudFront takes certificates of this region only. */
export const GLOBAL_REGION = 'us-east-1'

/** Policies of AWS's own, by the identifiers in its documentation. */
const MANAGED = {
  cachingOptimized: '658327ea-f89d-4fab-a63d-7e88639e58f6',
  cachingDisabled: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
  allViewer: '216adef6-5c7f-47e4-b989-5492eafa07d3',
} as const

/** Seconds for which resolvers keep an answer: how long clients may still go to a region that died. */
export const DNS_TTL = 60

export type RegionEntry = { region: RegionConfig; network: NetworkStack }

/**
 * What all regions have in common. The domain is CloudFront: the web page from S3, and what goes to
 * signaling from the nearest healthy region. Each region has a name of its own as well, which leads to
 * another region while it is down.
 */
export class GlobalStack extends ParleyStack {
  readonly #zoneId: string
  readonly #certificateArn: string

  constructor(
    scope: Construct,
    entries: readonly RegionEntry[],
    dns: DnsStack,
    options: StackOptions,
  ) {
    super(scope, 'global', options)
    this.#certificateArn = dns.certificateArn
    const { domain, zone } = this.config
    this.#zoneId = new DataAwsRoute53Zone(this, 'zone', { name: zone }).zoneId
    const origin = `origin.${domain}`
    this.#regions(entries, origin)
    const distribution = this.#distribution(origin)
    for (const type of ['A', 'AAAA'])
      new Route53Record(this, `domain-${type.toLowerCase()}`, {
        zoneId: this.#zoneId,
        name: domain,
        type,
        alias: {
          name: distribution.domainName,
          zoneId: distribution.hostedZoneId,
          evaluateTargetHealth: false,
        },
      })
    for (const [what, tagKey] of Object.entries(COST_TAGS))
      new CeCostAllocationTag(this, `cost-tag-${what}`, { tagKey, status: 'Active' })
    this.output('url', `https://${domain}`, 'Where people meet')
    this.output('distribution_id', distribution.id, 'CDN, to invalidate after a new web page')
  }

  /** Latency records for the nearest, and a name for each region with another to take over. */
  #regions(entries: readonly RegionEntry[], origin: string): void {
    const checks = entries.map(
      ({ region, network }) =>
        new Route53HealthCheck(this, `health-${region.region}`, {
          type: 'HTTPS',
          fqdn: network.balancer.dnsName,
          port: WEB_PORT,
          resourcePath: '/healthz',
          requestInterval: 10,
          failureThreshold: 3,
          tags: this.tags('dns', `${this.config.name}-${region.region}`),
        }),
    )
    entries.forEach(({ region: { region, host }, network }, index) => {
      const alias = {
        name: network.balancer.dnsName,
        zoneId: network.balancer.zoneId,
        evaluateTargetHealth: true,
      }
      const healthCheckId = checks[index]?.id ?? ''
      new Route53Record(this, `nearest-${region}`, {
        ...{ zoneId: this.#zoneId, name: origin, type: 'A', alias, healthCheckId },
        setIdentifier: region,
        latencyRoutingPolicy: { region },
      })
      const next = entries[(index + 1) % entries.length]
      const hasNext = next !== undefined && entries.length > 1
      new Route53Record(this, `region-${region}`, {
        ...{ zoneId: this.#zoneId, name: host, type: 'A', alias },
        ...(hasNext && {
          healthCheckId,
          setIdentifier: 'primary',
          failoverRoutingPolicy: { type: 'PRIMARY' },
        }),
      })
      if (hasNext)
        new Route53Record(this, `region-${region}-when-down`, {
          ...{ zoneId: this.#zoneId, name: host, type: 'A' },
          alias: {
            name: next.network.balancer.dnsName,
            zoneId: next.network.balancer.zoneId,
            evaluateTargetHealth: true,
          },
          setIdentifier: 'secondary',
          failoverRoutingPolicy: { type: 'SECONDARY' },
        })
    })
  }

  #distribution(origin: string): CloudfrontDistribution {
    const { domain, retention, state } = this.config
    const logs = privateBucket(this, 'logs', {
      bucket: `${state.bucket}-${this.config.name}-cdn-logs`,
      component: 'cdn',
      expireDays: retention.logDays,
      acceptsLogs: true,
      statements: accessLogs,
    })
    const pageArn = `\${aws_cloudfront_distribution.cdn.arn}`
    const page: S3Bucket = privateBucket(this, 'page', {
      bucket: `${state.bucket}-${this.config.name}-page`,
      component: 'cdn',
      logsTo: logs,
      statements: (arn) => [
        {
          Sid: 'CloudFront',
          Effect: 'Allow',
          Principal: { Service: 'cloudfront.amazonaws.com' },
          Action: 's3:GetObject',
          Resource: `${arn}/*`,
          Condition: { StringEquals: { 'AWS:SourceArn': pageArn } },
        },
      ],
    })
    this.output('page_bucket', page.bucket, 'Where the built web page goes')
    const access = new CloudfrontOriginAccessControl(this, 'page-access', {
      name: `${this.config.name}-page`,
      originAccessControlOriginType: 's3',
      signingBehavior: 'always',
      signingProtocol: 'sigv4',
    })
    const spa = new CloudfrontFunction(this, 'rooms', {
      name: `${this.config.name}-rooms`,
      runtime: 'cloudfront-js-2.0',
      comment: 'Addresses of rooms are the one page',
      publish: true,
      code: SPA_FUNCTION,
    })
    const headers = this.#headers()
    const common = { viewerProtocolPolicy: 'redirect-to-https', compress: true }
    const toSignaling = (pathPattern: string) => ({
      ...common,
      pathPattern,
      targetOriginId: 'signaling',
      allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE'],
      cachedMethods: ['GET', 'HEAD'],
      cachePolicyId: MANAGED.cachingDisabled,
      originRequestPolicyId: MANAGED.allViewer,
    })
    return new CloudfrontDistribution(this, 'cdn', {
      enabled: true,
      isIpv6Enabled: true,
      httpVersion: 'http2and3',
      comment: `${this.config.name}: web page, and the way to signaling`,
      aliases: [domain],
      defaultRootObject: 'index.html',
      priceClass: 'PriceClass_All',
      origin: [
        {
          originId: 'page',
          domainName: page.bucketRegionalDomainName,
          originAccessControlId: access.id,
        },
        {
          originId: 'signaling',
          domainName: origin,
          customOriginConfig: {
            httpPort: 80,
            httpsPort: WEB_PORT,
            originProtocolPolicy: 'https-only',
            originSslProtocols: ['TLSv1.2'],
            originReadTimeout: 60,
          },
        },
      ],
      defaultCacheBehavior: {
        ...common,
        targetOriginId: 'page',
        allowedMethods: ['GET', 'HEAD'],
        cachedMethods: ['GET', 'HEAD'],
        cachePolicyId: MANAGED.cachingOptimized,
        responseHeadersPolicyId: headers.id,
        functionAssociation: [{ eventType: 'viewer-request', functionArn: spa.arn }],
      },
      orderedCacheBehavior: ['/api/*', '/socket.io/*', '/rtc', '/rtc/*'].map(toSignaling),
      restrictions: { geoRestriction: { restrictionType: 'none' } },
      viewerCertificate: {
        acmCertificateArn: this.#certificateArn,
        minimumProtocolVersion: 'TLSv1.2_2021',
        sslSupportMethod: 'sni-only',
      },
      loggingConfig: { bucket: logs.bucketDomainName, prefix: 'cdn/', includeCookies: false },
      tags: this.tags('cdn', `${this.config.name}-cdn`),
    })
  }

  /** The same headers as the page's own server sends, and that the page is for TLS only. */
  #headers(): CloudfrontResponseHeadersPolicy {
    const {
      'Content-Security-Policy': contentSecurityPolicy = '',
      'Referrer-Policy': referrerPolicy = 'no-referrer',
      'X-Content-Type-Options': _,
      ...others
    } = pageHeaders()
    return new CloudfrontResponseHeadersPolicy(this, 'page-headers', {
      name: `${this.config.name}-page`,
      securityHeadersConfig: {
        contentSecurityPolicy: { contentSecurityPolicy, override: true },
        contentTypeOptions: { override: true },
        referrerPolicy: { referrerPolicy, override: true },
        strictTransportSecurity: {
          accessControlMaxAgeSec: 31_536_000,
          includeSubdomains: true,
          override: true,
        },
      },
      customHeadersConfig: {
        items: Object.entries(others).map(([header, value]) => ({ header, value, override: true })),
      },
    })
  }
}

/** What has no dot in its last part is an address inside of the page: a room, /admin. */
const SPA_FUNCTION = `function handler(event) {
  var request = event.request
  if (request.uri.split('/').pop().indexOf('.') < 0) request.uri = '/index.html'
  return request
}
`
