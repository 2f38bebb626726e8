import type { App } from '../../app.ts';
import type { ServerContext } from '../../context.ts';
import type { Routes } from '../http.ts';
import type { Metrics } from '../metrics.ts';
import { auditRoutes } from './audit.ts';
import { blobRoutes } from './blobs.ts';
import { claimTokenRoutes } from './claim-tokens.ts';
import { comparisonRoutes } from './comparisons.ts';
import { dashboardRoutes } from './dashboard.ts';
import { deltaRoutes } from './deltas.ts';
import { deviceRoutes } from './devices.ts';
import { downloadRoutes } from './downloads.ts';
import { driftRoutes } from './drift.ts';
import { enrollRoutes } from './enroll.ts';
import { eventRoutes } from './events.ts';
import { fleetRoutes } from './fleets.ts';
import { groupRoutes } from './groups.ts';
import { measurementRoutes } from './measurements.ts';
import { modelRoutes } from './models.ts';
import { overviewRoutes } from './overview.ts';
import { rolloutRoutes } from './rollouts.ts';
import { systemRoutes } from './system.ts';
import { telemetryRoutes } from './telemetry.ts';
import { tufRoutes } from './tuf.ts';
import { userTokenRoutes } from './user-tokens.ts';

/** Every group of routes of the API. */
export const allRoutes = (context: ServerContext, app: App, metrics: Metrics): Routes[] => [
  systemRoutes(context, metrics),
  enrollRoutes(context),
  fleetRoutes(context),
  claimTokenRoutes(context),
  userTokenRoutes(context),
  deviceRoutes(context),
  groupRoutes(context),
  downloadRoutes(context),
  modelRoutes(context, app),
  measurementRoutes(context, app),
  rolloutRoutes(context, app),
  comparisonRoutes(context, app),
  telemetryRoutes(context),
  driftRoutes(context),
  blobRoutes(context),
  deltaRoutes(context, app),
  tufRoutes(context),
  auditRoutes(context),
  eventRoutes(context),
  overviewRoutes(context),
  dashboardRoutes(context),
];
