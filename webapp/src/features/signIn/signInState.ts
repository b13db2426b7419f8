/** Why somebody could not sign in, as far as the page can tell. */
export type SignInProblem =
  | 'away' // the identity provider does not answer
  | 'denied' // the person, or the provider, said no
  | 'refused' // the provider does not know this page as it asks
  | 'not-ours' // what came back is for another client, or another sign-in
  | 'clock' // what came back is over already, or not good yet
  | 'stale' // nobody here had begun to sign in

export type SignInState = {
  /** Whether people sign in here; undefined while the server has not said. */
  offered: boolean | undefined
  /** Who is signed in in this tab. */
  person: { name: string | undefined } | undefined
  busy: boolean
  problem: SignInProblem | undefined
}

export const initialSignIn: SignInState = {
  offered: undefined,
  person: undefined,
  busy: false,
  problem: undefined,
}
