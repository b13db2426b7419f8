import { ROTATED_AT_ANNOTATION, ROTATION_ANNOTATION } from './secrets/rotation.ts'

/** On each child: hash of what we applied. */
export const HASH_ANNOTATION = 'parley.dev/hash'
/** On each Deployment and StatefulSet: hash of the pod template that we applied. */
export const TEMPLATE_ANNOTATION = 'parley.dev/template'
/** On Secrets whose readers restart: counts what the content has been. */
export const GENERATION_ANNOTATION = 'parley.dev/generation'
/** On a Secret made from somebody else's: uid and version of that. */
export const SOURCE_ANNOTATION = 'parley.dev/source'

/** What Secrets say about themselves, so that they need not be read. */
export const NOTES = [
  ROTATED_AT_ANNOTATION,
  ROTATION_ANNOTATION,
  GENERATION_ANNOTATION,
  SOURCE_ANNOTATION,
]
