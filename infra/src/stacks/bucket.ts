import {
  S3Bucket,
  S3BucketLifecycleConfiguration,
  S3BucketLoggingA,
  S3BucketOwnershipControls,
  S3BucketPolicy,
  S3BucketPublicAccessBlock,
  S3BucketServerSideEncryptionConfigurationA,
  S3BucketVersioningA,
} from '../aws.ts'
import type { ParleyStack } from './stack.ts'

export type BucketOptions = {
  bucket: string
  component: string
  /** Statements of the bucket's policy, beside the one that wants TLS. */
  statements?: (arn: string) => object[]
  /** Days after which objects go; without it, they stay. */
  expireDays?: number
  /** Bucket that requests are logged to; without it, this one holds logs itself. */
  logsTo?: S3Bucket
  /** CloudFront's and S3's own logs come by access-control lists. */
  acceptsLogs?: boolean
}

/** Lets S3 write the access logs of other buckets into a bucket, below `s3/`. */
export const accessLogs = (arn: string) => [
  {
    Sid: 'AccessLogs',
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: 's3:PutObject',
    Resource: `${arn}/s3/*`,
  },
]

/** A private bucket: encrypted, versioned, over TLS only, closed to the public. */
export function privateBucket(stack: ParleyStack, id: string, options: BucketOptions): S3Bucket {
  const { component, statements, expireDays, logsTo, acceptsLogs = false } = options
  const bucket = new S3Bucket(stack, id, {
    bucket: options.bucket,
    forceDestroy: false,
    tags: stack.tags(component, options.bucket),
    lifecycle: stack.keepsData,
  })
  new S3BucketPublicAccessBlock(stack, `${id}-private`, {
    bucket: bucket.id,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  })
  new S3BucketOwnershipControls(stack, `${id}-ownership`, {
    bucket: bucket.id,
    rule: { objectOwnership: acceptsLogs ? 'BucketOwnerPreferred' : 'BucketOwnerEnforced' },
  })
  new S3BucketVersioningA(stack, `${id}-versions`, {
    bucket: bucket.id,
    versioningConfiguration: { status: 'Enabled' },
  })
  new S3BucketServerSideEncryptionConfigurationA(stack, `${id}-encryption`, {
    bucket: bucket.id,
    rule: [
      { applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' }, bucketKeyEnabled: true },
    ],
  })
  new S3BucketLifecycleConfiguration(stack, `${id}-lifecycle`, {
    bucket: bucket.id,
    rule: [
      {
        id: 'old-versions',
        status: 'Enabled',
        filter: [{ prefix: '' }],
        noncurrentVersionExpiration: [{ noncurrentDays: 90 }],
        abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
        ...(expireDays === undefined ? {} : { expiration: [{ days: expireDays }] }),
      },
    ],
  })
  if (logsTo)
    new S3BucketLoggingA(stack, `${id}-logging`, {
      bucket: bucket.id,
      targetBucket: logsTo.id,
      targetPrefix: `s3/${id}/`,
    })
  new S3BucketPolicy(stack, `${id}-policy`, {
    bucket: bucket.id,
    policy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'TlsOnly',
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:*',
          Resource: [bucket.arn, `${bucket.arn}/*`],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        ...(statements?.(bucket.arn) ?? []),
      ],
    }),
  })
  return bucket
}
