import swagger, { type SwaggerTransform } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { AuditEntry } from '../schemas/audit.js'
import { Camera, CameraConnection, CameraKey, CamerasStatus, NewCameraKey } from '../schemas/camera.js'
import { ClipFrame } from '../schemas/clip.js'
import { Detection } from '../schemas/detection.js'
import { ErrorSchema } from '../schemas/error.js'
import { FeedSummary } from '../schemas/feed.js'
import { Integrity } from '../schemas/integrity.js'
import { OilSpillEvent } from '../schemas/oil-spill-event.js'
import { MadeToken, Me, Token, User } from '../schemas/people.js'
import { RetentionPlan, RetentionReport } from '../schemas/retention.js'
import { Acknowledgement, Hold, HoldState, Review } from '../schemas/review.js'
import { DetectionSummary, Status } from '../schemas/status.js'
import { Viewers } from '../schemas/viewers.js'
import { version } from '../version.js'

/** Describes the API in OpenAPI 3.1 from the routes' schemas, and shows it at /documentation. To be registered before the routes. */
export default fp<{ transform: SwaggerTransform }>(async (app, { transform }) => {
  const schemas = [
    ErrorSchema, Status, CamerasStatus, DetectionSummary, Viewers, OilSpillEvent, ClipFrame, Detection, FeedSummary, Camera, CameraKey, NewCameraKey, CameraConnection,
    User, Me, Token, MadeToken, Integrity, RetentionPlan, RetentionReport, Review, Acknowledgement, HoldState,
    Hold, AuditEntry
  ]
  for (const schema of schemas) app.addSchema(schema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Videostream',
        version,
        description: 'Oil-spill watch: cameras post JPEG frames, people watch them live as MJPEG, every detection is kept as evidence.\n\n' +
          'All times are UTC. Every error is `{ statusCode, code, error, message }`; `code` is stable.',
        license: { name: 'MIT', identifier: 'MIT' }
      },
      servers: [{ url: '/', description: 'This server' }],
      tags: [
        { name: 'camera', description: 'For cameras' },
        { name: 'video', description: 'The live picture' },
        { name: 'data', description: 'Status and history' },
        { name: 'reviews', description: 'What operators say of events' },
        { name: 'control', description: 'For operators' },
        { name: 'cameras', description: 'Which cameras there are, and their keys' },
        { name: 'people', description: 'Users, logins and API tokens' }
      ],
      components: {
        securitySchemes: {
          Session: { type: 'apiKey', in: 'cookie', name: 'videostream_session', description: 'The cookie that POST /login sets; behind TLS its name begins with `__Host-`' },
          Basic: { type: 'http', scheme: 'basic', description: 'User name and password; or any name, and an API token in the place of the password' },
          Token: { type: 'http', scheme: 'bearer', description: 'An API token of POST /api/tokens' },
          CameraPassword: { type: 'apiKey', in: 'header', name: 'X-Camera-Auth', description: 'The key of a camera, or the camera password' }
        }
      },
      security: []
    },
    transform,
    refResolver: { buildLocalReference: json => String(json['$id']) }
  })
  await app.register(async scope => {
    scope.addHook('onRoute', route => { route.config = { ...route.config, access: 'public' } })
    await scope.register(swaggerUi, { routePrefix: '/documentation', uiConfig: { displayOperationId: true, tryItOutEnabled: true } })
  })
}, { name: 'openapi', dependencies: ['rate-limits'] })
