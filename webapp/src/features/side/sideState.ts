export type SideTab = 'chat' | 'people'
/** The panel beside the tiles; null: closed. */
export type SideState = { tab: SideTab | null }

export const initialSide: SideState = { tab: null }
