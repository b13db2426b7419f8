/**
 * Checks of checkov that the stacks do not keep, each with the reason. Who thinks otherwise takes a line
 * away and runs `npm run infra -- checkov`.
 */
export const suppressions: Readonly<Record<string, string>> = {
  CKV_AWS_18:
    'buckets that hold logs log nowhere: a log of each written log line would never end; the others do',
  CKV_AWS_31:
    'AWS takes a password for Redis only where TLS is all there is, and coturn 4.6.1 speaks no TLS: what it relays would not be metered. sizes.redis.inTransit: required has both; else the security group and the subnets keep Redis to the nodes',
  CKV_AWS_39:
    'the API server is open to the networks that administrators names, and to nobody where it is empty',
  CKV_AWS_68:
    'a web application firewall is money for each request and rules of your own: attach yours',
  CKV_AWS_88:
    'media nodes have public addresses: media go straight to them, and no load balancer carries thousands of ports',
  CKV_AWS_130:
    'EKS takes no managed nodes into a public subnet that gives no addresses, and media nodes need theirs; nothing else is in these subnets but load balancer and NAT',
  CKV_AWS_144:
    'state, logs and the built page: versions are kept, and the page is made anew from the source',
  CKV_AWS_145:
    'buckets have SSE-S3: CloudFront and the log services need no right on a key of ours',
  CKV_AWS_259:
    'HSTS is on for all names of the domain; preload is a promise of the owner of the domain, not ours',
  CKV_AWS_310:
    'the way to signaling fails over by DNS, to the nearest healthy region; the page is in one bucket of S3',
  CKV_AWS_374: 'people meet from everywhere',
  CKV2_AWS_47: 'as CKV_AWS_68',
  CKV2_AWS_62: 'nothing waits for an object to come into these buckets',
  CKV2_AWS_65:
    'CloudFront’s and S3’s own logs come by access-control lists into the bucket for logs, and only there',
  CKV2_AWS_71: 'a certificate for all names of the domain lets one region answer for another',
}
