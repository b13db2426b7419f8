import i18next from 'i18next'
import en from '../../locales/en.admin.json' with { type: 'json' }
import vi from '../../locales/vi.admin.json' with { type: 'json' }

// To be loaded with the page: nobody else reads them.
i18next.addResourceBundle('en', 'translation', en, true)
i18next.addResourceBundle('vi', 'translation', vi, true)
