import { type Construct, DataAwsRoute53Zone, Route53Record } from '../aws.ts'
import { certificateFor } from './certificate.ts'
import { ParleyStack, type StackOptions } from './stack.ts'

/** The certificate for the CDN, and the record by which it and those of all regions prove themselves. */
export class DnsStack extends ParleyStack {
  readonly certificateArn: string

  constructor(scope: Construct, options: StackOptions) {
    super(scope, 'dns', options)
    const { domain, zone } = this.config
    const { zoneId } = new DataAwsRoute53Zone(this, 'zone', { name: zone })
    const { arn } = certificateFor(this, domain, {
      recordOf: (certificate) => {
        const of = (field: string) =>
          `\${[for o in ${certificate.fqn}.domain_validation_options : o.${field} if o.domain_name == "${domain}"][0]}`
        return new Route53Record(this, 'certificate-proof', {
          zoneId,
          name: of('resource_record_name'),
          type: of('resource_record_type'),
          records: [of('resource_record_value')],
          ttl: 300,
          allowOverwrite: true,
        }).fqdn
      },
    })
    this.certificateArn = arn
  }
}
