import { DEFAULT_IMAGES, type ImageSource } from '@parley/operator/render'

/** Where Parley's images are, as PARLEY_IMAGE_REGISTRY and PARLEY_IMAGE_TAG say. */
export function imagesFrom(env: NodeJS.ProcessEnv): ImageSource {
  return {
    registry: env.PARLEY_IMAGE_REGISTRY || DEFAULT_IMAGES.registry,
    tag: env.PARLEY_IMAGE_TAG || DEFAULT_IMAGES.tag,
  }
}
