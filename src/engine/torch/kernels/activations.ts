/** @file Activations beside ReLU: what differs between them is a name, and for GELU its form. */
import type {Activation} from '../../ops/activations.js';
import {KERNELS} from '../../ops/kernels.js';
import {operator} from '../native.js';
import {elementwise, register} from './register.js';

/** ATen operator (its backward is `<name>_backward`) and what both take after the tensors. */
const ACTIVATIONS: Record<Activation, readonly [name: string, ...trailing: string[]]> = {
  silu: ['silu'],
  gelu: ['gelu', 'none'],
  geluTanh: ['gelu', 'tanh'],
  hardSigmoid: ['hardsigmoid'],
  hardSwish: ['hardswish'],
};

const operators = Object.fromEntries(
  Object.entries(ACTIVATIONS).map(([activation, [name, ...trailing]]) => [
    activation,
    {forward: operator(name), backward: operator(`${name}_backward`), trailing},
  ]),
);

interface Attributes {
  readonly activation: Activation;
}

register<Attributes>(KERNELS.activation, ({x}, {activation}) => {
  const {forward, trailing} = operators[activation];
  return elementwise((input) => forward(input, ...trailing), x);
});

register<Attributes>(KERNELS.activationGradient, ({dy, x}, {activation}) => {
  const {backward, trailing} = operators[activation];
  return elementwise((gradient, input) => backward(gradient, input, ...trailing), dy, x);
});
