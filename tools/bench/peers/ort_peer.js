/* SPDX-License-Identifier: MIT */
/* ONNX Runtime as a peer of "qns bench serve": the same protocol on a pipe.
 *
 *     usage: node ort_peer.js MODULES MODEL.onnx THREADS
 *
 * Prints "ready NAME VERSION"; then, for every line with a number N, runs the model N times on random input and
 * prints one line with the milliseconds of each run. */
'use strict';
const readline = require('readline');
const [modules, model, threads] = process.argv.slice(2);
const ort = require(modules + '/onnxruntime-node');

(async () => {
    const session = await ort.InferenceSession.create(model, {
        intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        /* Its threads spin while a run lasts, as they do by default, and not into the turn of the next engine. */
        extra: {session: {force_spinning_stop: '1'}},
    });
    const meta = session.inputMetadata ? session.inputMetadata[0] : {shape: [1, 3, 224, 224]};
    const shape = meta.shape.map(d => typeof d === 'number' ? d : 1);
    const data = Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, () => 4 * Math.random() - 2);
    const feed = {[session.inputNames[0]]: new ort.Tensor('float32', data, shape)};
    console.log(`ready onnxruntime ${ort.env.versions.node}`);
    for await (const line of readline.createInterface({input: process.stdin})) {
        const ms = [];
        for (let i = 0; i < Number(line); i++) {
            const start = process.hrtime.bigint();
            await session.run(feed);
            ms.push((Number(process.hrtime.bigint() - start) / 1e6).toFixed(4));
        }
        console.log(ms.join(' '));
    }
})();
