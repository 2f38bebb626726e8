/** Preprocessing of SqueezeNet 1.1 as it was trained with Caffe: BGR, mean of ImageNet, no scaling. */
export const SQUEEZENET_IMAGES = `
schema: 1
name: squeezenet
task: image-classification
inputs:
  data_0:
    image:
      color: bgr
      resize: {mode: shortSide, size: 256, kernel: lanczos3}
      crop: 224
      scale: 1
      mean: [104, 117, 123]
      std: 1
      layout: nchw
outputs:
  classification: {tensor: softmaxout_1, activation: none}
evaluation: {metric: top1, maxDrop: 0.005}
`;

/** Preprocessing of MobileNet v1: RGB from −1 to 1. Class 0 is the background. */
export const MOBILENET_IMAGES = `
schema: 1
name: mobilenet
task: image-classification
inputs:
  input:
    image:
      color: rgb
      resize: {mode: shortSide, size: 146, kernel: lanczos3}
      crop: 128
      scale: 0.0078125
      mean: 1
      std: 1
      layout: nhwc
outputs:
  classification: {tensor: output, activation: none}
evaluation: {metric: top1, maxDrop: 0.005}
`;
