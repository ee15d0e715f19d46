/**
 * Writes ONNX models: a graph of nodes with named inputs and outputs, as the bytes that onnxruntime loads.
 *
 * A model is a protocol buffer: fields, each a varint of (number << 3 | wire type) and the value, which is a
 * varint (wire type 0), four bytes (5), or a length and as many bytes (2). Messages and the numbers of their
 * fields are those of `onnx/onnx.proto3` in the ONNX repository.
 */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly constants?: readonly OnnxConstant[];
}

export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** Default: ONNX's own operators. */
  readonly domain?: 'com.microsoft';
}

/** int, ints or float: a number alone does not say whether it is whole by type. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number };

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
}

export interface OnnxConstant extends OnnxValue {
  readonly data: ArrayLike<number>;
}

/** TensorProto.DataType */
const typeNumbers = { float32: 1, int32: 6, int64: 7 } as const;
export type OnnxType = keyof typeof typeNumbers;

/** AttributeProto.AttributeType */
const attributeTypes = { float: 1, int: 2, ints: 7 } as const;

/** The operator sets: ONNX's own and that of onnxruntime. */
const operatorSets = [
  { domain: '', version: 22 },
  { domain: 'com.microsoft', version: 1 },
];

/** ModelProto */
export function onnxModel({ nodes, inputs, outputs, constants = [] }: OnnxModel): Uint8Array {
  const graph = [
    ...nodes.map((node) => message(1, nodeProto(node))),
    text(2, 'benchmark'), // name
    ...constants.map((constant) => message(5, tensorProto(constant))), // initializer
    ...inputs.map((value) => message(11, valueInfo(value))),
    ...outputs.map((value) => message(12, valueInfo(value))),
  ];
  return Buffer.concat([
    whole(1, 10), // ir_version
    message(7, graph),
    ...operatorSets.map(({ domain, version }) => message(8, [text(1, domain), whole(2, version)])),
  ]);
}

function nodeProto({ type, inputs, outputs, attributes = {}, domain }: OnnxNode): Uint8Array[] {
  return [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, type), // op_type
    ...Object.entries(attributes).map(([name, value]) => message(5, attributeProto(name, value))),
    text(7, domain ?? ''),
  ];
}

function attributeProto(name: string, value: OnnxAttribute): Uint8Array[] {
  if (typeof value === 'number') return [text(1, name), whole(3, value), whole(20, attributeTypes.int)];
  if ('float' in value) return [text(1, name), float(2, value.float), whole(20, attributeTypes.float)];
  return [text(1, name), ...value.map((each) => whole(8, each)), whole(20, attributeTypes.ints)];
}

function tensorProto({ name, type, shape, data }: OnnxConstant): Uint8Array[] {
  return [
    ...shape.map((size) => whole(1, size)), // dims
    whole(2, typeNumbers[type]), // data_type
    text(8, name),
    bytes(9, rawData(type, data)),
  ];
}

/** Elements of a type as a little-endian machine holds them: what `raw_data` and tensors want. */
export function rawData(type: OnnxType, data: ArrayLike<number>): Uint8Array {
  return new Uint8Array(elements(type, data).buffer);
}

export function elements(type: OnnxType, data: ArrayLike<number>) {
  if (type === 'float32') return Float32Array.from(data);
  return type === 'int32' ? Int32Array.from(data) : BigInt64Array.from(Array.from(data, BigInt));
}

/** ValueInfoProto: a name and TypeProto { Tensor { elem_type, TensorShapeProto { Dimension { dim_value } } } } */
function valueInfo({ name, type, shape }: OnnxValue): Uint8Array[] {
  const dimensions = shape.map((size) => message(1, [whole(1, size)]));
  const tensor = [whole(1, typeNumbers[type]), message(2, dimensions)];
  return [text(1, name), message(2, [message(1, tensor)])];
}

function whole(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field << 3), ...varint(value)]);
}

function float(field: number, value: number): Uint8Array {
  return Buffer.concat([
    Uint8Array.from(varint((field << 3) | 5)),
    new Uint8Array(Float32Array.of(value).buffer),
  ]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

function message(field: number, fields: readonly Uint8Array[]): Uint8Array {
  return bytes(field, Buffer.concat(fields));
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([...varint((field << 3) | 2), ...varint(value.length)]), value]);
}

/** Seven bits a byte, the lowest first; a negative number as the 64 bits of its two's complement. */
function varint(value: number): number[] {
  const groups: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) groups.push(Number(rest & 127n) | 128);
  return [...groups, Number(rest)];
}
