import { z } from 'zod'

// Zod would compile its parsers with `new Function`, which a Content-Security-Policy forbids.
z.config({ jitless: true })
