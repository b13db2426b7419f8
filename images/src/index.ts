export type { BaseChoice } from './base.ts'
export { type BuildOptions, buildImages, type Image, stageContext } from './build.ts'
export { type ImageName, imageNames } from './catalogue.ts'
export { ImagesError, type ImagesErrorCode } from './errors.ts'
