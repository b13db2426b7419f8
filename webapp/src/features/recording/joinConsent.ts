/** Whether the person has said yes, before the door, to a recording that runs: good for one stay. */
let given = false

export const joinConsent = {
  given: () => given,
  give: (yes: boolean) => {
    given = yes
  },
}
