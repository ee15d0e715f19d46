import { Module } from '../../nn/module.js';
import type { Guidance } from './mllm4wtal/guidance.js';
import type { WtalNetwork } from './wtal-network.js';

/** All weights of a training: the network, and the guidance of MLLM4WTAL, which is left behind when it is done. */
export class WtalTrainee extends Module {
  readonly network: WtalNetwork;
  readonly guidance: Guidance | undefined;

  /** Takes over what it is given. */
  constructor(network: WtalNetwork, guidance?: Guidance) {
    super(network.runtime);
    this.network = this.child('network', network);
    this.guidance = guidance && this.child('guidance', guidance);
  }
}
