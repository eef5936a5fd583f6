/**
 * What an API server asks of the volumes that a copy may have (validation.go, validateVolumeSource). Others are refused
 * anyway.
 */
import { field, objectsIn, textField } from '../model/json.ts';
import {
  all,
  type Check,
  DNS_LABEL,
  each,
  exactlyOne,
  fields,
  given,
  ID,
  integer,
  LOCAL_PATH,
  listed,
  MODE,
  NO_BACKSTEP,
  oneOf,
  QUANTITY,
  required,
  tell,
  text,
  unique,
} from './valid-checks.ts';
import { FILE_AMOUNT, FILE_FIELD } from './valid-env.ts';

const ITEMS = each(fields({ path: given(LOCAL_PATH), mode: MODE, user: ID }, required('key', 'path')));

const DOWNWARD_FILES = each(
  fields(
    { path: given(LOCAL_PATH), fieldRef: FILE_FIELD, resourceFieldRef: FILE_AMOUNT, mode: MODE, user: ID },
    required('path'),
    exactlyOne('source', 'fieldRef', 'resourceFieldRef'),
  ),
);

const TOKEN = fields(
  {
    expirationSeconds: integer(600, 2 ** 32, 'is no lifetime of a token; write 600 (ten minutes) or more'),
    path: given(LOCAL_PATH),
    user: ID,
  },
  required('path'),
);
const TRUST = fields({ path: given(LOCAL_PATH), user: ID }, required('path'), exactlyOne('name', 'name', 'signerName'));
const PROJECTED_KEYS = fields({ items: ITEMS }, required('name'));
const KINDS_OF_SOURCE = ['secret', 'configMap', 'downwardAPI', 'serviceAccountToken', 'clusterTrustBundle', 'podCertificate'];

const ONE_KIND: Check = (source, at, reasons) => {
  const kinds = KINDS_OF_SOURCE.filter((kind) => field(source, kind) !== undefined);
  if (kinds.length > 1) tell(reasons, at, `has more than one kind of source (${listed(kinds)}); make each a source of its own`);
};

/** No two files of one path, where paths are written out. */
const OWN_PATHS: Check = (projected, at, reasons) => {
  const seen = new Set<string>();
  for (const [index, source] of objectsIn(projected, 'sources').entries()) {
    const listedFiles = ['secret', 'configMap', 'downwardAPI'].flatMap((kind) =>
      objectsIn(field(source, kind), 'items').map((item, place) => [`${kind}.items[${place}]`, item] as const),
    );
    for (const [place, item] of [...listedFiles, ['clusterTrustBundle', field(source, 'clusterTrustBundle')] as const]) {
      const path = textField(item, 'path');
      if (!path) continue;
      if (seen.has(path))
        tell(reasons, `${at}.sources[${index}].${place}.path`, 'is there a second time in this volume; give each file its own');
      seen.add(path);
    }
  }
};

const HOST_PATH_TYPES = ['DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'];
const ABSOLUTE = text((path) => path.startsWith('/'), 'is no absolute path; begin it with a slash');

const VOLUME = fields(
  {
    name: given(DNS_LABEL),
    hostPath: fields({ path: given(NO_BACKSTEP), type: given(oneOf(...HOST_PATH_TYPES)) }, required('path')),
    emptyDir: fields({
      sizeLimit: QUANTITY,
      mode: integer(0, 0o1777, 'is no mode of a directory; write one from 0 to 01777 (in JSON: 1023)'),
    }),
    nfs: fields({ path: given(ABSOLUTE) }, required('server', 'path')),
    image: fields({ pullPolicy: given(oneOf('Always', 'IfNotPresent', 'Never')) }, required('reference')),
    secret: fields({ defaultMode: MODE, defaultUser: ID, items: ITEMS }, required('secretName')),
    configMap: fields({ defaultMode: MODE, defaultUser: ID, items: ITEMS }, required('name')),
    downwardAPI: fields({ defaultMode: MODE, defaultUser: ID, items: DOWNWARD_FILES }),
    projected: fields(
      {
        defaultMode: MODE,
        defaultUser: ID,
        sources: each(
          fields(
            {
              secret: PROJECTED_KEYS,
              configMap: PROJECTED_KEYS,
              downwardAPI: fields({ items: DOWNWARD_FILES }),
              serviceAccountToken: TOKEN,
              clusterTrustBundle: TRUST,
            },
            ONE_KIND,
          ),
        ),
      },
      OWN_PATHS,
    ),
  },
  required('name'),
);

export const VOLUMES = all(
  each(VOLUME),
  unique('name', (volume) => textField(volume, 'name') || undefined),
);
