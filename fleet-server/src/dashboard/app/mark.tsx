/** The sign of Flotilla: a sail over its hull. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="mark-back" width="32" height="32" rx="7" />
      <path d="M17 6v14h9C25 13 22 9 17 6Z" fill="#fff" />
      <path d="M14.5 10v10H7c.8-4.6 3.5-8 7.5-10Z" fill="#fff" opacity=".75" />
      <path d="M6 23h20l-2 3.5H8Z" fill="#fff" />
    </svg>
  );
}
