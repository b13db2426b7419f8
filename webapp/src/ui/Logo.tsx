export function Logo() {
  return (
    <span className="logo">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="9" className="logo-ground" />
        <path
          d="M8 12.2A4.2 4.2 0 0 1 12.2 8h4.6a4.2 4.2 0 0 1 0 8.4h-2.3l-3.7 2.9a.6.6 0 0 1-1-.46v-2.8A4.2 4.2 0 0 1 8 12.2Z"
          fill="#fff"
        />
        <path
          d="M24 18.9a4.2 4.2 0 0 0-3.3-4.1 6.7 6.7 0 0 1-5.1 4.1h-.9a4.2 4.2 0 0 0 3.9 4.2h1.3l3.3 2.7a.6.6 0 0 0 1-.46v-2.6a4.2 4.2 0 0 0 1.8-3.84Z"
          fill="#8ff0dd"
        />
      </svg>
      <span>Parley</span>
    </span>
  )
}
