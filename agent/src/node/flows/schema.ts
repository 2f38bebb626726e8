import Type, { type Static } from 'typebox';

/** Largest flows file that is read. */
export const MAX_FLOWS_BYTES = 256 * 1024;
/** Largest frame, in pixels: three of them are held, at 3 bytes a pixel. */
export const MAX_FRAME_PIXELS = 16_000_000;

const strict = { additionalProperties: false } as const;

const text = (description: string, maxLength = 1024) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\0\\r\\n]+$', description });

const path = (what: string) => text(`must be the path of ${what}, from the folder of this file`);

const duration = (description: string) =>
  Type.String({
    pattern: '^\\d{1,9}(\\.\\d{1,3})?(ms|s|m|h)$',
    description: `${description}, with its unit: 500ms, 10s, 5m or 1h`,
  });

const bytes = (description: string) =>
  Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^\\d{1,6} ?(kB|MB|GB)$' })], {
    description: `${description}: a number of bytes, or such as 500kB, 10MB or 1GB`,
  });

const flag = (description: string) => Type.Boolean({ description });

const size = Type.Optional(
  Type.String({
    pattern: '^[1-9]\\d{0,4}x[1-9]\\d{0,4}$',
    description: 'must be the size of the frames, WIDTHxHEIGHT, such as 640x480',
  }),
);
const fps = Type.Optional(
  Type.Number({
    exclusiveMinimum: 0,
    maximum: 240,
    description: 'must be frames in a second, above 0 and up to 240',
  }),
);
const sound = {
  window: Type.Optional(
    duration('must be how much sound one inference hears, where the model does not say'),
  ),
  hop: Type.Optional(duration('must be the time from the start of one window to that of the next')),
};
const timeout = (what: string) => Type.Optional(duration(`must be how long ${what}`));

const MQTT_URL = '^(mqtts?|wss?)://[^\\s/?#]+(/[^\\s?#]*)?$';

const mqtt = (topic: string, pattern: string) =>
  Type.Object(
    {
      url: Type.String({
        pattern: MQTT_URL,
        maxLength: 1024,
        description: 'must be the address of a broker: mqtt://HOST:PORT, or mqtts, ws or wss',
      }),
      topic: Type.String({ pattern, maxLength: 1024, description: topic }),
      username: Type.Optional(text('must be the name to log in with')),
      password: Type.Optional(text('must be the password to log in with')),
      passwordFile: Type.Optional(path('a file that holds the password')),
      clientId: Type.Optional(text('must be the name of this client at the broker', 128)),
    },
    { ...strict, description: 'must be an object with url and topic' },
  );

/** One schema for each kind of source, by the key that tells the kind. */
export const SOURCES = {
  camera: Type.Object(
    {
      camera: Type.String({
        pattern: '^(test|/dev(/[A-Za-z0-9_:-][A-Za-z0-9_:.-]*)+)$',
        maxLength: 255,
        description:
          'must be the device of a camera, such as /dev/video0, or test for a moving test picture',
      }),
      size,
      fps,
      format: Type.Optional(
        Type.Enum(['mjpeg', 'yuyv422', 'h264', 'nv12', 'rgb24'], {
          description: 'must be a format of the camera: mjpeg, yuyv422, h264, nv12 or rgb24',
        }),
      ),
      timeout: timeout('the camera may give no frame before it is opened anew'),
    },
    strict,
  ),
  video: Type.Object(
    {
      video: text(
        'must be a video file, or a stream at rtsp://, rtsps://, http://, https://, tcp:// or udp://',
      ),
      size,
      fps,
      realtime: Type.Optional(
        flag(
          'must be true (the default: as a camera would give it) or false (every frame of a file)',
        ),
      ),
      loop: Type.Optional(flag('must be true to play a file again at its end')),
      transport: Type.Optional(
        Type.Enum(['tcp', 'udp'], { description: 'must be tcp (the default) or udp, of RTSP' }),
      ),
      timeout: timeout('the stream may give no frame before it is opened anew'),
    },
    strict,
  ),
  folder: Type.Object(
    {
      folder: path('a folder'),
      after: Type.Optional(
        Type.Enum(['move', 'delete', 'keep'], {
          description:
            'must be what becomes of a file that is done: move (the default, into done/ or failed/), delete or keep',
        }),
      ),
      settle: Type.Optional(duration('must be how long a file must not change to be complete')),
      extensions: Type.Optional(
        Type.Array(
          Type.String({
            pattern: '^[A-Za-z0-9]{1,16}$',
            description: 'must be an extension without its dot, such as jpg',
          }),
          {
            minItems: 1,
            maxItems: 32,
            description: 'must be a list of extensions, such as [jpg, png]',
          },
        ),
      ),
      maxBytes: Type.Optional(bytes('must be the size of the largest file that is taken')),
    },
    strict,
  ),
  microphone: Type.Object(
    {
      microphone: Type.String({
        pattern: '^(pulse:)?[A-Za-z0-9][A-Za-z0-9_:,.=@-]*$',
        maxLength: 255,
        description:
          'must be a device of ALSA, such as default or plughw:1,0, or pulse:NAME for PulseAudio',
      }),
      ...sound,
      timeout: timeout('the microphone may give nothing before it is opened anew'),
    },
    strict,
  ),
  wav: Type.Object({ wav: path('a sound file'), ...sound }, strict),
  csv: Type.Object(
    {
      csv: path('a CSV file, or stdin'),
      columns: Type.Optional(
        Type.Array(text('must be the name of a column', 255), {
          minItems: 1,
          maxItems: 4096,
          description: 'must be the names of the columns, where the first line does not tell them',
        }),
      ),
      delimiter: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 1,
          description: 'must be the character between cells, such as ";"',
        }),
      ),
    },
    strict,
  ),
  mqtt: Type.Object(
    {
      mqtt: mqtt('must be a topic, + and # allowed', '^[^\\0]+$'),
      queue: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 10_000,
          description:
            'must be how many messages may wait, from 1 (the default: the latest) to 10000',
        }),
      ),
      maxBytes: Type.Optional(bytes('must be the size of the largest message that is taken')),
    },
    strict,
  ),
} as const;

const queue = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 100_000,
    description: 'must be how many results may wait, from 1 to 100000; the default is 256',
  }),
);
const tries = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 100,
    description: 'must be how often a result is sent at most, from 1 to 100; the default is 8',
  }),
);

/** One schema for each kind of sink, by the key that tells the kind. */
export const SINKS = {
  jsonl: Type.Object(
    {
      jsonl: path('a file that lines of JSON are appended to'),
      rotate: Type.Optional(
        Type.Object(
          {
            bytes: bytes('must be the size at which a new file is begun'),
            keep: Type.Integer({
              minimum: 0,
              maximum: 1000,
              description: 'must be how many old files are kept, from 0 to 1000',
            }),
          },
          { ...strict, description: 'must be an object with bytes and keep' },
        ),
      ),
      flush: Type.Optional(duration('must be how long lines are gathered before they are written')),
      sync: Type.Optional(
        duration(
          'must be how long written lines may be lost to a power cut before they are synced',
        ),
      ),
      queue,
    },
    strict,
  ),
  webhook: Type.Object(
    {
      webhook: Type.String({
        pattern: '^https?://[^\\s/?#]+',
        maxLength: 2048,
        description: 'must be the address that results are posted to: https://HOST/PATH',
      }),
      secret: Type.Optional(text('must be the secret that requests are signed with')),
      secretFile: Type.Optional(path('a file that holds the secret')),
      headers: Type.Optional(
        Type.Record(
          Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$" }),
          Type.String({ maxLength: 4096, pattern: '^[\\t\\x20-\\x7e]*$' }),
          { description: 'must be an object from the name of a header to its value' },
        ),
      ),
      timeout: timeout('an answer may take'),
      tries,
      queue,
    },
    strict,
  ),
  mqtt: Type.Object(
    {
      mqtt: mqtt('must be a topic, without + and #', '^[^\\0+#]+$'),
      qos: Type.Optional(Type.Enum([0, 1], { description: 'must be 0 or 1 (the default)' })),
      retain: Type.Optional(flag('must be true to let the broker keep the last result')),
      tries,
      queue,
    },
    strict,
  ),
} as const;

const Filter = Type.Object(
  {
    minConfidence: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'must be the least confidence of what is sent on, from 0 to 1',
      }),
    ),
    labels: Type.Optional(
      Type.Array(text('must be a label of the model', 255), {
        minItems: 1,
        maxItems: 1000,
        description: 'must be a list of labels: what is sent on has one of them',
      }),
    ),
    every: Type.Optional(duration('must be the least time between two results that are sent on')),
    changes: Type.Optional(flag('must be true to send a result on only when its label changes')),
  },
  { ...strict, description: 'must be an object with minConfidence, labels, every or changes' },
);

/** What every flow has, with its source and sinks left open. */
const frame = {
  name: Type.String({
    pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
    description: "must be 1 to 63 of a-z, 0-9, '.', '_' and '-', with a letter or digit first",
  }),
  model: Type.String({
    pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
    description: 'must be the slot whose model is run, which is the name of the model',
  }),
  input: Type.Optional(text('must be an input tensor of the model', 512)),
  filter: Type.Optional(Filter),
} as const;

const document = <S extends Type.TSchema, K extends Type.TSchema>(source: S, sink: K) =>
  Type.Object(
    {
      flows: Type.Array(
        Type.Object(
          {
            ...frame,
            source,
            sinks: Type.Array(sink, {
              minItems: 1,
              maxItems: 16,
              description: 'must be a list of 1 to 16 sinks',
            }),
          },
          { ...strict, description: 'must be an object with name, source, model and sinks' },
        ),
        { minItems: 1, maxItems: 32, description: 'must be a list of 1 to 32 flows' },
      ),
    },
    { ...strict, description: 'must be an object with flows' },
  );

const oneOf = (schemas: object) =>
  `must be an object with one of ${Object.keys(schemas).join(', ')}`;

const Source = Type.Union(
  [
    SOURCES.camera,
    SOURCES.video,
    SOURCES.folder,
    SOURCES.microphone,
    SOURCES.wav,
    SOURCES.csv,
    SOURCES.mqtt,
  ],
  { description: oneOf(SOURCES) },
);
const Sink = Type.Union([SINKS.jsonl, SINKS.webhook, SINKS.mqtt], { description: oneOf(SINKS) });

/** The whole, as editors check it. */
export const FlowsDocument = document(Source, Sink);

const open = (schemas: object) =>
  Type.Record(Type.String(), Type.Unknown(), { description: oneOf(schemas) });

/** The document down to its sources and sinks, whose own schemas say better what is wrong. */
export const FlowsOutline = document(open(SOURCES), open(SINKS));

export type FlowsOutline = Static<typeof FlowsOutline>;
export type FlowConfig = Static<typeof FlowsDocument>['flows'][number];
export type SourceConfig = Static<typeof Source>;
export type SinkConfig = Static<typeof Sink>;
export type CameraConfig = Static<typeof SOURCES.camera>;
export type VideoConfig = Static<typeof SOURCES.video>;
export type FolderConfig = Static<typeof SOURCES.folder>;
export type MicrophoneConfig = Static<typeof SOURCES.microphone>;
export type WavConfig = Static<typeof SOURCES.wav>;
export type CsvConfig = Static<typeof SOURCES.csv>;
export type MqttSourceConfig = Static<typeof SOURCES.mqtt>;
export type JsonlConfig = Static<typeof SINKS.jsonl>;
export type WebhookConfig = Static<typeof SINKS.webhook>;
export type MqttSinkConfig = Static<typeof SINKS.mqtt>;
export type MqttConfig = MqttSourceConfig['mqtt'];
export type FilterConfig = Static<typeof Filter>;
