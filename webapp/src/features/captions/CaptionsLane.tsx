import { useTranslation } from 'react-i18next'
import { useAppState } from '../../ui/useAppState.ts'
import './captions.css'

/** Above the controls: what was said last, from whichever source captions have. */
export function CaptionsLane() {
  const { t } = useTranslation()
  const { on, lines, problem } = useAppState((state) => state.captions)
  return (
    <div className="captions" role="log" aria-live="polite" aria-label={t('captions.label')}>
      {problem && <p className="captions-line">{t(`captions.problem.${problem}`)}</p>}
      {on &&
        lines.map(({ key, who, text }) => (
          <p key={key} className="captions-line" dir="auto">
            <strong>{who}</strong> {text}
          </p>
        ))}
    </div>
  )
}
