export { createAgent, type NodeAgentOptions } from './create-agent.ts';
export { type Enrolment, findEnrolment, loadEnrolment } from './data-folder.ts';
export { type EnrollOptions, enroll } from './enroll.ts';
export type { HttpAnswer, HttpRequest, Route } from './http/route.ts';
export { type LocalServer, type LocalServerOptions, serveLocal } from './http/server.ts';
export { localRoutes } from './local-routes.ts';
export { createLogger } from './logger.ts';
export { AGENT_VERSION } from './version.ts';
