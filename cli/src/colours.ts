import picocolors from 'picocolors'

/**
 * Colours for what is printed: on a terminal only, and nowhere with `NO_COLOR`. (picocolors alone
 * colours files and pipes too where `CI` is set.) `FORCE_COLOR` asks for them anywhere.
 */
export const colours = picocolors.createColors(
  picocolors.isColorSupported && (process.stdout.isTTY || Boolean(process.env.FORCE_COLOR)),
)
