import {
  AwsProvider,
  type Construct,
  LocalBackend,
  S3Backend,
  TerraformOutput,
  TerraformStack,
} from '../aws.ts'
import type { InfraConfig } from '../config/load.ts'

/**
 * Tags by which a bill is split. `region` and the name of the cluster are those of the relay-cost
 * report; tenants and rooms are in no bill of AWS, that is what the report is for.
 */
export const COST_TAGS = {
  cluster: 'parley:cluster',
  region: 'parley:region',
  environment: 'parley:environment',
  component: 'parley:component',
} as const

/** What every stack is made with. */
export type StackOptions = {
  config: InfraConfig
  /** Where its resources are. */
  region: string
  /** Lets data be deleted: no deletion protection, no `prevent_destroy`. */
  allowDataLoss: boolean
}

/** A stack with its provider, its state and the tags that all of its resources have. */
export class ParleyStack extends TerraformStack {
  readonly config: InfraConfig
  readonly options: StackOptions
  /** Before the names of resources: `meet-eu-central-1`. */
  readonly prefix: string
  /** Tags that all resources of the stack have by its provider, and what they launch does not. */
  readonly allTags: Record<string, string>

  constructor(scope: Construct, id: string, options: StackOptions) {
    super(scope, id)
    const { config, region } = options
    this.config = config
    this.options = options
    this.prefix = `${config.name}-${region}`
    this.allTags = {
      [COST_TAGS.cluster]: config.name,
      [COST_TAGS.region]: region,
      [COST_TAGS.environment]: config.environment,
      'parley:stack': id,
    }
    new AwsProvider(this, 'aws', { region, defaultTags: [{ tags: this.allTags }] })
    this.addOverride('terraform.required_version', '>= 1.10.0, < 2.0.0')
    // cdktf pins the version that its types are of, and leaves the namespace out.
    this.addOverride('terraform.required_providers.aws', {
      source: 'hashicorp/aws',
      version: '>= 5.100.0, < 7.0.0',
    })
    if (id === 'bootstrap') new LocalBackend(this, { path: 'bootstrap.tfstate' })
    else {
      // Terraform's own lock, a file beside the state, which cdktf's types do not know yet.
      this.addOverride('terraform.backend.s3.use_lockfile', true)
      new S3Backend(this, {
        bucket: config.state.bucket,
        key: `${config.name}/${id}.tfstate`,
        region: config.state.region,
        encrypt: true,
      })
    }
  }

  /** An output under its own name, which the hand-over to Kubernetes reads. */
  output(name: string, value: string, description: string): void {
    new TerraformOutput(this, name, { value, description, staticId: true })
  }

  /** Tags of a resource: its name, and which part of the stack it is. */
  tags(component: string, name = `${this.prefix}-${component}`): Record<string, string> {
    return { Name: name, [COST_TAGS.component]: component }
  }

  /** The lifecycle of what holds data. */
  get keepsData(): { preventDestroy: boolean } {
    return { preventDestroy: !this.options.allowDataLoss }
  }
}
