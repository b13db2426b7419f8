export { type InstallOptions, installManifests, installObjects, type Manifest } from './install.ts'
export { clusterRules, leaseRules, managerRules, type PolicyRule } from './rbac.ts'
export { type GivenValues, InvalidValues } from './values.ts'
