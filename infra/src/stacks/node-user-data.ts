import type { MediaPorts } from '../config/media-ports.ts'
import { mediaSysctls } from '../config/media-ports.ts'

const BOUNDARY = '==parley=='

/**
 * What a node of Amazon Linux 2023 does before it joins: EKS adds its own part. Media nodes keep the
 * ports of media out of the kernel's hands, and give pods as long as a call may take to go.
 * @returns MIME multipart, in base64
 */
export function nodeUserData(
  media: MediaPorts | undefined,
  { drainSeconds }: { drainSeconds: number },
): string {
  const parts = [
    part(
      'application/node.eks.aws',
      `apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    config:
      shutdownGracePeriod: ${drainSeconds}s
      shutdownGracePeriodCriticalPods: 30s
`,
    ),
    ...(media ? [part('text/x-shellscript; charset="us-ascii"', sysctlScript(media))] : []),
  ]
  const text = `MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="${BOUNDARY}"

${parts.join('')}--${BOUNDARY}--
`
  return Buffer.from(text).toString('base64')
}

function part(type: string, body: string): string {
  return `--${BOUNDARY}
Content-Type: ${type}

${body}
`
}

function sysctlScript(media: MediaPorts): string {
  return `#!/bin/sh
set -eu
cat > /etc/sysctl.d/90-parley-media.conf <<'SETTINGS'
${sysctlLines(media)}SETTINGS
sysctl --system
`
}

/** The lines of a file in /etc/sysctl.d. */
export function sysctlLines(media: MediaPorts): string {
  return Object.entries(mediaSysctls(media))
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}
