export { createAgent, type NodeAgentOptions } from './create-agent.ts';
export { type Enrolment, findEnrolment, loadEnrolment } from './data-folder.ts';
export { type EnrollOptions, enroll } from './enroll.ts';
export { createLogger } from './logger.ts';
export {
  type InferenceServer,
  type InferenceServerOptions,
  serveInference,
} from './oip/server.ts';
export { AGENT_VERSION } from './version.ts';
