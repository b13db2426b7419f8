export { type InstallOptions, installManifests } from './install.ts'
