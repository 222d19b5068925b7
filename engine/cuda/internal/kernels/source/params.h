// Structs that several kernels take. The others stand in the kernels' files. Package
// kernels has the same ones in Go, with what they mean, and a test that compares every
// size and offset.
#pragma once

struct StepParams {
    unsigned long long Seed, Number, Image;
    float LearningRate, Momentum;
};

struct Window {
    int Size, Stride, Pad;
};

struct Response {
    int Maps, Size;
    float K, Alpha, Beta;
};
