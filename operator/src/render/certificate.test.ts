import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { renderCertificate, turnTls } from './certificate.ts'
import { renderMeetingCluster } from './render.ts'
import { renderInputs } from './testing/inputs.ts'

const tls = (fields: object) => meetingCluster({ turn: { tls: fields } })

describe('the certificate of TURN over TLS', () => {
  it('REQ-K3: is that of the Secret named, for the domain or a name of its own', () => {
    expect(turnTls(tls({}))).toBeUndefined()
    expect(turnTls(tls({ secretName: 'mine' }))).toEqual({
      secretName: 'mine',
      port: 5349,
      host: 'meet.example.com',
      issued: false,
    })
    expect(turnTls(tls({ secretName: 'mine', host: 'turn.example.com' }))?.host).toBe(
      'turn.example.com',
    )
    expect(renderCertificate(tls({ secretName: 'mine' }))).toEqual([])
  })

  it('REQ-K3: is asked of cert-manager where an issuer is named and cert-manager is there', () => {
    const mc = tls({ issuerRef: { name: 'ca', kind: 'ClusterIssuer' }, host: 'turn.example.com' })
    const [certificate] = renderCertificate(mc)
    expect(certificate).toMatchObject({
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: { name: 'demo-turn-tls' },
      spec: {
        secretName: 'demo-turn-tls',
        dnsNames: ['turn.example.com'],
        issuerRef: { name: 'ca', kind: 'ClusterIssuer', group: 'cert-manager.io' },
      },
    })
    const kinds = (certificates: boolean) => {
      const inputs = renderInputs()
      const capabilities = { ...inputs.capabilities, certificates }
      return renderMeetingCluster(mc, { ...inputs, capabilities }).objects.map(({ kind }) => kind)
    }
    expect(kinds(true)).toContain('Certificate')
    expect(kinds(false)).not.toContain('Certificate')
  })
})
