/** A case about the whole host beside the same without a tap and, where there is one, its control. */
import type { Case } from '../run/case.js';

export interface Fault {
  readonly name: string;
  readonly title: string;
  readonly control: string | null;
  readonly isShort: boolean;
  readonly requirements: readonly string[];
  readonly run: NonNullable<Case['run']>;
  /** What differs in the stages of all of them. */
  readonly stage?: Case['stage'];
}

/** The case, its twin without a tap, and its control with a bare pipe. */
export function withTwins(fault: Fault): readonly Case[] {
  const { name, title, control, isShort, requirements, run, stage } = fault;
  const common = { run, isFollowed: false, losesFrames: true };
  const twin: Case = {
    ...common,
    name: `no-tap-${name}`,
    title: `Without a tap: ${title}`,
    requirements: [],
    stage: { ...stage, tap: 'none', isRouterApart: true },
    isShort: false,
  };
  const controls: Case[] =
    control === null
      ? []
      : [
          {
            ...common,
            name: `control-${name}`,
            title: `Control: ${control}`,
            requirements: [],
            stage: { ...stage, isRouterApart: true, isTapIsolated: false },
            controlGapMs: 4_000,
            isShort: false,
          },
        ];
  const [compared = twin] = controls;
  const tapped: Case = {
    ...common,
    name,
    title,
    requirements,
    stage: { ...stage, isRouterApart: true },
    comparedWith: compared,
    isShort,
  };
  return [tapped, twin, ...controls];
}
