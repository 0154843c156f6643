import { readFileSync } from 'node:fs';
import { DockerfileParser } from 'dockerfile-ast';
import type { Copy, Entrypoint, Env, Instruction } from 'dockerfile-ast';

/** One instruction of a stage: `words` as written, or the strings of its JSON form. */
export interface Step {
  readonly keyword: string;
  readonly words: readonly string[];
  readonly isExecForm: boolean;
  /** The stage that a COPY takes from; null = the folder of the project. */
  readonly from: string | null;
  /** The variables that an ENV sets, or the labels of a LABEL. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A stage of a Dockerfile. */
export interface Stage {
  /** An image, or the name of an earlier stage. */
  readonly base: string;
  readonly name: string | null;
  readonly steps: readonly Step[];
}

/** The stages of the project's Dockerfile, in order. */
export function readStages(): readonly Stage[] {
  const stages: Array<{ base: string; name: string | null; steps: Step[] }> = [];
  for (const instruction of DockerfileParser.parse(readFileSync('Dockerfile', 'utf8')).getInstructions()) {
    const words = instruction.getArguments().map((argument) => argument.getValue());
    if (instruction.getKeyword() === 'FROM') stages.push({ base: words[0] ?? '', name: words[2] ?? null, steps: [] });
    else stages.at(-1)?.steps.push(stepOf(instruction, words));
  }
  return stages;
}

function stepOf(instruction: Instruction, words: readonly string[]): Step {
  const keyword = instruction.getKeyword();
  // HEALTHCHECK CMD ["node", …] is not taken apart by the parser.
  const strings =
    keyword === 'HEALTHCHECK'
      ? (JSON.parse(words.slice(1).join(' ')) as string[])
      : ((instruction as Partial<Entrypoint>).getJSONStrings?.().map((text) => text.getJSONValue()) ?? []);
  const properties = (instruction as Partial<Env>).getProperties?.() ?? [];
  return {
    keyword,
    words: strings.length > 0 ? strings : words,
    isExecForm: strings.length > 0,
    from: keyword === 'COPY' ? ((instruction as Copy).getFromFlag()?.getValue() ?? null) : null,
    variables: Object.fromEntries(properties.map((property) => [property.getName(), property.getValue() ?? ''])),
  };
}
