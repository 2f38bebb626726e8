/** As systemd knows the installed agent. */
export const UNIT_NAME = 'flotilla-agent.service';
