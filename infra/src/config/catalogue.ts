/**
 * What is known of AWS without asking it: regions with their zones, and what instance types have.
 * Of memory, of about {@link catalogueAsOf}, and not compared with AWS's own tables: "AWS Regions" and
 * "Specifications for Amazon EC2 instance types". A zone's letter means another place in each account.
 */
export const catalogueAsOf = '2026-11-01'

/** Letters of the zones that new accounts get, as far as known; `zones` in the file says otherwise. */
export const regionZones: Readonly<Record<string, string>> = {
  'us-east-1': 'abcdf',
  'us-east-2': 'abc',
  'us-west-1': 'ab',
  'us-west-2': 'abcd',
  'ca-central-1': 'abd',
  'eu-west-1': 'abc',
  'eu-west-2': 'abc',
  'eu-west-3': 'abc',
  'eu-central-1': 'abc',
  'eu-central-2': 'abc',
  'eu-north-1': 'abc',
  'eu-south-1': 'abc',
  'ap-northeast-1': 'acd',
  'ap-northeast-2': 'abcd',
  'ap-northeast-3': 'abc',
  'ap-southeast-1': 'abc',
  'ap-southeast-2': 'abc',
  'ap-south-1': 'abc',
  'sa-east-1': 'abc',
}

/** `baselineGbps`: what the network carries all day, not the burst; approximate. */
export type InstanceFacts = { cores: number; memoryGiB: number; baselineGbps: number }

/** x86 only: the images are built for the processor of the machine that builds them. */
export const instanceTypes: Readonly<Record<string, InstanceFacts>> = {
  't3.large': { cores: 2, memoryGiB: 8, baselineGbps: 0.512 },
  'm6i.large': { cores: 2, memoryGiB: 8, baselineGbps: 0.781 },
  'm6i.xlarge': { cores: 4, memoryGiB: 16, baselineGbps: 1.562 },
  'c5.2xlarge': { cores: 8, memoryGiB: 16, baselineGbps: 2.5 },
  'c6i.large': { cores: 2, memoryGiB: 4, baselineGbps: 0.781 },
  'c6i.xlarge': { cores: 4, memoryGiB: 8, baselineGbps: 1.562 },
  'c6i.2xlarge': { cores: 8, memoryGiB: 16, baselineGbps: 3.125 },
  'c6i.4xlarge': { cores: 16, memoryGiB: 32, baselineGbps: 6.25 },
  'c7i.2xlarge': { cores: 8, memoryGiB: 16, baselineGbps: 3.125 },
  'c6in.2xlarge': { cores: 8, memoryGiB: 16, baselineGbps: 12.5 },
}

export const redisTypes = ['cache.t4g.small', 'cache.m6g.large', 'cache.r6g.large'] as const
export const mysqlTypes = ['db.t4g.medium', 'db.m6g.large', 'db.r6g.large'] as const
