import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { DashboardContext } from './context.ts';
import { type Dashboard, openDashboard } from './dashboard.ts';
import { Login } from './login.tsx';
import { endSession, givesToken, keepSession, openSession, type Session } from './session.ts';
import { Shell } from './shell.tsx';

/** Signed in or not. @param fleet that a token is for unless something else is said */
export function Root({ fleet }: { readonly fleet: string }) {
  const session = useSignal<Session | undefined>(undefined);
  const refused = useSignal(false);
  const dashboard = useSignal<Dashboard | undefined>(undefined);

  useEffect(() => {
    const open = () => {
      const given = givesToken(window);
      session.value = openSession(window, fleet);
      refused.value = given && session.value === undefined;
    };
    open();
    const onHash = () => {
      if (givesToken(window)) open();
    };
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, [fleet, refused, session]);

  const current = session.value;
  useEffect(() => {
    if (current === undefined) return undefined;
    const opened = openDashboard(current, () => {
      endSession(window);
      refused.value = true;
      session.value = undefined;
    });
    dashboard.value = opened;
    return () => {
      opened.close();
      dashboard.value = undefined;
    };
  }, [current, dashboard, refused, session]);

  const signIn = (given: Session) => {
    keepSession(window, given);
    refused.value = false;
    session.value = given;
  };
  const signOut = () => {
    endSession(window);
    session.value = undefined;
  };
  if (current === undefined) {
    return <Login fleet={fleet} refused={refused.value} onSignIn={signIn} />;
  }
  if (dashboard.value === undefined) return null;
  return (
    <DashboardContext.Provider value={dashboard.value}>
      <Shell onSignOut={signOut} />
    </DashboardContext.Provider>
  );
}
