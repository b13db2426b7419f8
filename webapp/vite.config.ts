import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const signaling = process.env.PARLEY_SIGNALING_URL ?? 'http://127.0.0.1:8080'

export default defineConfig(({ command }) => {
  // Tests have it at `test`, for which React's larger and slower development build would be built, and kept.
  if (command === 'build') process.env.NODE_ENV = 'production'
  return {
    plugins: [react()],
    build: {
      target: 'es2023',
      // No inline scripts, styles or data: URIs, so that a strict Content-Security-Policy fits.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      // The client of LiveKit alone is larger, and only rooms on the SFU load it.
      chunkSizeWarningLimit: 600,
      rolldownOptions: {
        output: {
          // In one chunk, so that src/app/zod.ts is run between zod and the first schema.
          codeSplitting: {
            groups: [{ name: 'schemas', test: /app\/zod\.ts|node_modules\/zod\/|protocol\/src\// }],
          },
        },
      },
    },
    server: {
      proxy: {
        '/api': signaling,
        '/socket.io': { target: signaling, ws: true },
      },
    },
  }
})
