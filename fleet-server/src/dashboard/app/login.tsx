import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { Mark } from './mark.tsx';
import { checkSession, type Session } from './session.ts';

interface LoginProps {
  readonly fleet: string;
  /** The server did not take the token that was tried. */
  readonly refused: boolean;
  readonly onSignIn: (session: Session) => void;
}

/** Asks for a token; it stays in this tab. */
export function Login({ fleet, refused, onSignIn }: LoginProps) {
  const wrong = useSignal('');
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const given = checkSession({
      token: String(form.get('token') ?? ''),
      fleet: String(form.get('fleet') ?? ''),
    });
    if (given === undefined) wrong.value = 'That is not a token and a fleet name.';
    else onSignIn(given);
  };
  const message =
    wrong.value || (refused ? 'The server does not take this token for this fleet.' : '');
  return (
    <main class="login">
      <form class="card login-card" onSubmit={submit} aria-labelledby="login-title">
        <Mark />
        <h1 id="login-title">Sign in to Flotilla</h1>
        <label>
          API token
          <input
            name="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            placeholder="flt_…"
            aria-describedby="login-hint"
          />
        </label>
        <label>
          Fleet
          <input name="fleet" value={fleet} autocomplete="off" spellcheck={false} required />
        </label>
        <p class="login-wrong" role="alert">
          {message}
        </p>
        <button class="button primary" type="submit">
          Sign in
        </button>
        <p id="login-hint" class="muted small">
          The server prints an admin token at its first start. It stays in this tab and is forgotten
          when you close it.
        </p>
      </form>
    </main>
  );
}
