export type { BaseChoice } from './base.ts'
export { type BuildOptions, buildImages, type Image, stageContext } from './build.ts'
export { type Bundle, cachedBundle } from './bundle.ts'
export {
  type ImageName,
  imageNames,
  PARLEY_NODE_ENVIRONMENT,
  PARLEY_NODE_FLAGS,
} from './catalogue.ts'
export { ImagesError, type ImagesErrorCode } from './errors.ts'
export { cachePaths } from './paths.ts'
