/** @file Reads COCO's JSON files and checks every record that training relies on. */
import {readFile} from 'node:fs/promises';
import {z} from 'zod';
import {UserError} from '../../errors.js';

const id = z.number().int();
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const imageRecord = z.object({
  id,
  file_name: z.string().min(1),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
});

const annotationRecord = z.object({
  id,
  image_id: id,
  category_id: id,
  bbox: box,
  area: z.number(),
  iscrowd: z.union([z.literal(0), z.literal(1)]).default(0),
  keypoints: z.array(z.number()).optional(),
});

const categoryRecord = z.object({id, name: z.string()});

const detectionRecord = z.object({image_id: id, category_id: id, bbox: box, score: z.number()});

export type CocoImage = z.infer<typeof imageRecord>;
export type CocoDetection = z.infer<typeof detectionRecord>;
/** An annotation of a person: its keypoints are there and are as many as the keypoint set has. */
export type CocoAnnotation = z.infer<typeof annotationRecord> & {keypoints: number[]};

export interface CocoFile {
  readonly images: readonly CocoImage[];
  /** The annotations of people, in the file's order. */
  readonly annotations: readonly CocoAnnotation[];
  readonly personCategory: number;
}

/**
 * Reads an annotation file.
 * @param keypointCount how many keypoints each person must have
 * @throws UserError if the file is missing, is not JSON, or has a record that cannot be used as it is
 */
export async function readCocoFile(file: string, keypointCount: number): Promise<CocoFile> {
  const content = await readJson(file);
  const images = records(file, 'images', section(file, content, 'images'), imageRecord);
  const categories = records(file, 'categories', section(file, content, 'categories'), categoryRecord);
  const personCategory = categories.find(({name}) => name === 'person')?.id;
  if (personCategory === undefined) throw problem(file, 'categories: there is none with the name "person".');
  const annotations = records(file, 'annotations', section(file, content, 'annotations'), annotationRecord);
  requireDistinctIds(file, 'images', images);
  requireDistinctIds(file, 'annotations', annotations);
  const known = new Set(images.map((image) => image.id));
  const people = annotations.filter((annotation) => annotation.category_id === personCategory);
  return {
    images,
    annotations: people.map((annotation) => checkedPerson(file, annotation, known, keypointCount)),
    personCategory,
  };
}

/** Reads a detector's boxes in COCO's result format. @throws UserError as readCocoFile does */
export async function readDetections(file: string): Promise<CocoDetection[]> {
  const content = await readJson(file);
  if (!Array.isArray(content)) throw problem(file, 'expected a list of detections.');
  return records(file, 'detections', content, detectionRecord);
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw problem(
      file,
      `cannot be read (${error.message}). Correct the path in the dataset's configuration.`,
      error,
    );
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    const hint = 'It may be incomplete: download or write it again.';
    throw problem(file, `is not JSON (${(error as Error).message}). ${hint}`, error);
  }
}

function section(file: string, content: unknown, key: string): unknown[] {
  const value = (content as Record<string, unknown> | null)?.[key];
  if (Array.isArray(value)) return value;
  throw problem(file, `has no list "${key}": it is not an annotation file in COCO's format.`);
}

/** Every record, checked by its schema; the error names the record by its id. */
function records<T>(file: string, key: string, values: unknown[], schema: z.ZodType<T>): T[] {
  return values.map((value, i) => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const {path, message} = result.error.issues[0];
    const recordId = (value as {id?: unknown} | null)?.id;
    const where = recordId === undefined ? `${key}[${i}]` : `${key}[${i}] (id ${recordId})`;
    throw problem(file, `${where}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}.`);
  });
}

function requireDistinctIds(file: string, key: string, list: readonly {id: number}[]): void {
  const seen = new Set<number>();
  for (const record of list) {
    if (seen.has(record.id)) throw problem(file, `${key}: id ${record.id} is used by two records.`);
    seen.add(record.id);
  }
}

function checkedPerson(
  file: string,
  annotation: z.infer<typeof annotationRecord>,
  knownImages: ReadonlySet<number>,
  keypointCount: number,
): CocoAnnotation {
  const {id, image_id: imageId, keypoints} = annotation;
  const where = `annotation ${id}`;
  if (!knownImages.has(imageId)) {
    throw problem(file, `${where} belongs to image ${imageId}, which is not in "images".`);
  }
  if (keypoints?.length !== 3 * keypointCount) {
    const found = keypoints ? `${keypoints.length} numbers in "keypoints"` : 'no "keypoints"';
    const expected = `expected ${3 * keypointCount} (x, y and visibility of ${keypointCount} keypoints)`;
    throw problem(file, `${where} has ${found}; ${expected}. Does dataset.keypoints name the right set?`);
  }
  for (let i = 2; i < keypoints.length; i += 3) {
    if (![0, 1, 2].includes(keypoints[i])) {
      throw problem(
        file,
        `${where}: visibility ${keypoints[i]} of keypoint ${(i - 2) / 3} is not 0, 1 or 2.`,
      );
    }
  }
  return {...annotation, keypoints};
}

function problem(file: string, message: string, cause?: unknown): UserError {
  return new UserError('data', `${file}: ${message}`, {cause});
}
