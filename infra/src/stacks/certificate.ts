import { AcmCertificate, AcmCertificateValidation } from '../aws.ts'
import type { ParleyStack } from './stack.ts'

/**
 * A certificate of the domain and of all names in it, so that each region can answer for another one.
 * ACM wants the same record for each of them in an account, which the dns stack makes.
 * @returns its ARN, once it is valid
 */
export function certificateFor(
  stack: ParleyStack,
  domain: string,
  validation: { recordOf?: (certificate: AcmCertificate) => string } = {},
): { arn: string } {
  const certificate = new AcmCertificate(stack, 'certificate', {
    domainName: domain,
    subjectAlternativeNames: [`*.${domain}`],
    validationMethod: 'DNS',
    tags: stack.tags('dns', `${stack.prefix}-certificate`),
    lifecycle: { createBeforeDestroy: true },
  })
  const fqdn = validation.recordOf?.(certificate)
  return {
    arn: new AcmCertificateValidation(stack, 'certificate-valid', {
      certificateArn: certificate.arn,
      ...(fqdn === undefined ? {} : { validationRecordFqdns: [fqdn] }),
    }).certificateArn,
  }
}
