/* SPDX-License-Identifier: MIT */
/* Runs a model in ONNX Runtime and compares its top-1 with the outputs QNS wrote.
 *
 *     usage: node ort_agree.js MODULES MODEL.onnx INPUTS.npy OURS.npy MIN_AGREEMENT
 *
 * INPUTS.npy holds float32 network inputs, OURS.npy float32 outputs, one row a sample. */
'use strict';
const fs = require('fs');
const [modules, model, inputs, ours, least] = process.argv.slice(2);
const ort = require(modules + '/onnxruntime-node');

function npy(path) {
    const raw = fs.readFileSync(path);
    const n = raw.readUInt16LE(8);
    const head = raw.toString('latin1', 10, 10 + n);
    if (!head.includes("'<f4'")) throw new Error(path + ' is not float32');
    const shape = /'shape': \(([^)]*)\)/.exec(head)[1].split(',').filter(s => s.trim()).map(Number);
    const body = raw.subarray(10 + n);
    return {shape, data: new Float32Array(body.buffer.slice(body.byteOffset, body.byteOffset + body.length))};
}

function argmax(row) {
    let best = 0;
    for (let i = 1; i < row.length; i++)
        if (row[i] > row[best]) best = i;
    return best;
}

(async () => {
    const x = npy(inputs), y = npy(ours);
    const session = await ort.InferenceSession.create(model, {intraOpNumThreads: 1});
    const size = x.data.length / x.shape[0], classes = y.data.length / y.shape[0];
    let same = 0, worst = 0;
    for (let i = 0; i < x.shape[0]; i++) {
        const t = new ort.Tensor('float32', x.data.subarray(i * size, (i + 1) * size), [1, ...x.shape.slice(1)]);
        const out = (await session.run({[session.inputNames[0]]: t}))[session.outputNames[0]].data;
        const mine = y.data.subarray(i * classes, (i + 1) * classes);
        same += argmax(out) === argmax(mine);
        for (let k = 0; k < classes; k++) worst = Math.max(worst, Math.abs(out[k] - mine[k]));
    }
    const share = same / x.shape[0];
    console.log(`onnxruntime ${ort.env.versions.node}: top-1 agrees on ${same} of ${x.shape[0]} (${(100 * share).toFixed(2)} %), largest difference ${worst.toPrecision(4)}`);
    process.exit(share >= Number(least) ? 0 : 1);
})();
