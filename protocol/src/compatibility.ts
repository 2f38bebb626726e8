/**
 * Minor version of the protocol that this release speaks. It rises with each release that says
 * something an earlier one does not understand:
 *
 * - 0: the first
 * - 1: agents say their minor, and take releases of themselves in the slot `_agent`
 * - 2: agents run shadows, measure variants, and tell time zone, unclean starts and labels
 */
export const PROTOCOL_MINOR = 2;

/** The first minor whose agents know their own slot; earlier ones refuse all that names it. */
export const AGENT_SLOT_MINOR = 1;

/** The first minor whose agents run shadows and measure variants; earlier ones report them failed. */
export const SHADOW_MINOR = 2;

/** A server takes agents that are up to two releases behind it, and one ahead. */
const BEHIND = 2;
const AHEAD = 1;

/**
 * Why a server does not work with an agent, in words for a person; undefined where it does.
 *
 * @param agent minor that the agent speaks
 * @param server minor that the server speaks
 */
export function whyIncompatible(agent: number, server = PROTOCOL_MINOR): string | undefined {
  const said = `its agent speaks protocol 1.${agent}, this server 1.${Math.max(0, server - BEHIND)} to 1.${server + AHEAD}`;
  if (agent < server - BEHIND) return `${said}: install a newer agent on the device`;
  return agent > server + AHEAD ? `${said}: update the server` : undefined;
}
