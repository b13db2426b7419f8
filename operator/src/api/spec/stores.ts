import { z } from 'zod'
import { optionalName, placement, port, replicasOrAutoscaling, scaling, text } from '../fields.ts'
import { AS_WHOLE, withRules } from '../rule.ts'

const volume = {
  size: (byDefault: string) =>
    text(32, /^[1-9][0-9]*([KMGTPE]i|[kMGTPE])?$/, 'is no size: write one like 10Gi').default(
      byDefault,
    ),
  storageClassName: () => optionalName().describe('Storage class; empty: the default one.'),
}

export const redis = withRules(
  z.strictObject({
    mode: z
      .enum(['Managed', 'External'])
      .default('Managed')
      .describe(
        'Managed: one Redis pod with a persistent volume. External: a Redis that exists already.',
      ),
    external: z
      .strictObject({
        url: text(
          512,
          /^(rediss?:\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f.:]+\])(:[0-9]{1,5})?(\/[0-9]*)?)?$/,
          'is no address of Redis: write redis://host:6379/0 (or rediss, with TLS), and the password into the Secret',
        )
          .default('')
          .describe(
            'redis://host:port/database (rediss with TLS), without a password: that belongs into the Secret. coturn of this version speaks neither TLS nor the names of Redis users: with those, calls work and what is relayed is not metered. MeetingClusters that share a Redis take a database each.',
          ),
        secretName: optionalName().describe(
          'Secret with the key password, to go with url; or with the key url, the whole of it, like redis://user:password@host:6379/0. With the key ca: certificates (PEM) that the server of a rediss address comes from, beside those that everybody trusts. When it changes, the pods that use it are rolled.',
        ),
      })
      .meta(AS_WHOLE)
      .prefault({})
      .describe('The Redis of mode External.'),
    size: volume.size('1Gi').describe('Size of the volume of the managed Redis.'),
    storageClassName: volume.storageClassName(),
    ...scaling('redis', {}),
    ...placement({
      requests: { cpu: '50m', memory: '64Mi' },
      limits: { memory: '512Mi' },
    }),
  }),
  [
    replicasOrAutoscaling,
    {
      cel: "self.mode != 'External' || (has(self.external.url) && self.external.url != '') || (has(self.external.secretName) && self.external.secretName != '')",
      check: ({ mode, external }) =>
        mode !== 'External' || external.url !== '' || external.secretName !== '',
      message:
        'mode External needs an address: give external.url, external.secretName or both, or take mode Managed',
      field: 'external',
    },
  ],
)
  .prefault({})
  .describe(
    'Redis, through which signaling pods reach each other and coturn reports. The managed one is a single pod whatever replicas or autoscaling say; for more, take mode External.',
  )

export const store = withRules(
  z.strictObject({
    mode: z
      .enum(['Embedded', 'MySQL'])
      .default('Embedded')
      .describe(
        'Embedded: SQLite on a volume of the meter. MySQL: a database that exists already.',
      ),
    size: volume.size('10Gi').describe('Size of the volume of mode Embedded.'),
    deletionPolicy: z
      .enum(['Retain', 'Delete'])
      .default('Retain')
      .describe(
        'What becomes of the volume of mode Embedded when the MeetingCluster is deleted. Retain: it stays, with the record of what was metered; another MeetingCluster of that name takes it up again. Delete: it goes too.',
      ),
    storageClassName: volume.storageClassName(),
    mysql: z
      .strictObject({
        secretName: optionalName().describe(
          "Secret with the key url, like mysql://user:password@host:3306/parley, or the keys host, port, user, password and database; and, for an encrypted connection, ca: the certificate (PEM) that the server's comes from. The user needs all rights on its database, which meters of several MeetingClusters may share.",
        ),
        port: port()
          .default(3306)
          .describe('Port of the database: the meter may go out to this one.'),
      })
      .meta(AS_WHOLE)
      .prefault({})
      .describe('The database of mode MySQL.'),
  }),
  [
    {
      cel: "self.mode != 'MySQL' || (has(self.mysql.secretName) && self.mysql.secretName != '')",
      check: ({ mode, mysql }) => mode !== 'MySQL' || mysql.secretName !== '',
      message:
        'mode MySQL needs mysql.secretName, a Secret with the address of the database: give it, or take mode Embedded',
      field: 'mysql.secretName',
    },
  ],
)
  .prefault({})
  .describe('Where the meter keeps what was relayed and what it cost.')
