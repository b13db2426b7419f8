import type { Construct } from '../aws.ts'
import { accessLogs, privateBucket } from './bucket.ts'
import { ParleyStack, type StackOptions } from './stack.ts'

/** The bucket in which all other stacks keep their state. Its own state is a file of whoever applies it. */
export class BootstrapStack extends ParleyStack {
  constructor(scope: Construct, options: StackOptions) {
    super(scope, 'bootstrap', options)
    const { bucket } = this.config.state
    const logs = privateBucket(this, 'state-logs', {
      bucket: `${bucket}-logs`,
      component: 'state',
      expireDays: this.config.retention.logDays,
      statements: accessLogs,
    })
    privateBucket(this, 'state', { bucket, component: 'state', logsTo: logs })
  }
}
