// RESERVED by the lead at 22:16: a further helper writes the LSTM (this file, kernels/recurrent/, native/src/lstm.cc,
// test/cases/lstm.ts) right now. If the LSTM was in your brief: it is no longer yours; leave it, go on with the rest.
// src/nn/module.ts, linear.ts and conv.ts are written by the lead: extend, do not replace.
export {};
