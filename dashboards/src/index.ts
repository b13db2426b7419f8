export { type Board, expressionsOf } from './board.ts'
export { boards } from './boards/index.ts'
export { dashboardFiles } from './files.ts'
export { ruleFiles } from './rules/index.ts'
