import { expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { renderInputs } from './testing/inputs.ts'
import { buildWebappIngress, buildWebappService, renderWebapp } from './webapp.ts'

it('the web page is left out where it is not wanted', () => {
  const mc = meetingCluster({ webapp: { enabled: false } })
  expect(renderWebapp(mc, renderInputs())).toEqual([])
})

it('the web page can be reached at a port of the nodes', () => {
  const mc = meetingCluster({ webapp: { service: { type: 'NodePort', nodePort: 30080 } } })
  expect(buildWebappService(mc).spec).toMatchObject({
    type: 'NodePort',
    ports: [{ port: 80, targetPort: 'http', nodePort: 30080 }],
  })
})

it('an Ingress serves the domain, with a certificate where there is one', () => {
  const ingress = (tlsSecretName: string) =>
    buildWebappIngress(meetingCluster({ webapp: { ingress: { enabled: true, tlsSecretName } } }))
  expect(ingress('cert').spec).toMatchObject({
    tls: [{ hosts: ['meet.example.com'], secretName: 'cert' }],
    rules: [{ host: 'meet.example.com' }],
  })
  expect(ingress('').spec).not.toHaveProperty('tls')
})
