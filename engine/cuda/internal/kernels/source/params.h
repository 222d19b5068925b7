// The structs that kernels take. Package kernels has the same ones in Go, with
// what they mean, and a test that compares every size and offset.
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

struct Input {
    const void *Pixels, *Colour, *Mean;
    void *Y;
    int N, H, W;
    float Scale;
};

struct InputFolded {
    const void *Pixels, *Colour, *Mean;
    void *Y;
    int N, H, W;
    float Scale;
    int Stride, Pad, FoldedH, FoldedW;
};

struct FoldInput {
    const void *X;
    void *Y;
    int N, H, W, C, Stride, Pad, FoldedH, FoldedW;
};

struct FoldWeights {
    const void *W;
    void *Folded;
    int O, Size, C, Stride;
};

struct UnfoldWeights {
    const void *Folded;
    void *W;
    int O, Size, C, Stride;
};

struct BiasActivate {
    const void *X, *Bias;
    void *Y;
    int Rows, C, Function;
};

struct Activate {
    const void *X;
    void *Y;
    long long Count;
    int Function;
};

struct ActivateBackward {
    const void *Y, *DY;
    void *DX;
    long long Count;
    int Function;
};

struct LRNForward {
    const void *X;
    void *Y;
    int Rows, C;
    struct Response Response;
};

struct LRNBackward {
    const void *X, *DY;
    void *DX;
    int Rows, C;
    struct Response Response;
};

struct LRNWithinForward {
    const void *X;
    void *Y;
    int N, H, W, C;
    struct Response Response;
};

struct LRNWithinBackward {
    const void *X, *DY;
    void *DX, *Pull;
    int N, H, W, C;
    struct Response Response;
};

struct MaxPoolForward {
    const void *X;
    void *Y, *At;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
};

struct MaxPoolBackward {
    const void *At, *DY;
    void *DX;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
};

struct AvgPoolForward {
    const void *X;
    void *Y;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
};

struct AvgPoolBackward {
    const void *DY;
    void *DX;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
};

struct Local {
    void *X, *Weights, *Bias, *Y;
    int N, H, W, OutH, OutW, Groups, In, Out;
    struct Window Window;
};

struct LRNPoolForward {
    const void *X;
    void *Y, *At;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
    struct Response Response;
    int tileH, tileW, slab;
};

struct PoolLRNBackward {
    const void *X, *At, *DY;
    void *DX;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
    struct Response Response;
    int ReLU;
};

struct Dropout {
    const void *X;
    void *Y;
    const void *Step;
    unsigned long long Layer;
    long long Width, First;
    int N, HW, C;
    float Rate;
    int Train, Inverted;
};

struct SoftmaxLoss {
    const void *X, *Labels;
    void *Probs, *Loss, *Rank, *DX, *Halt;
    int N, K;
    float Scale, Smoothing;
};

struct ColumnSum {
    const void *X;
    void *D, *Workspace;
    int Rows, C, chunks, chunkRows;
};

struct SetStep {
    void *Step;
    StepParams Params;
};

struct Accumulate {
    const void *G;
    void *Sum;
    long long Count;
    int First;
};

struct ActivateBackwardSum {
    const void *Y, *DY;
    void *DX, *D, *Workspace;
    int Rows, C, Function, chunks, chunkRows;
};

struct Parameter {
    void *W, *V;
    const void *G;
    void *Copy;
    long long Count;
    float Decay, Rate;
};

struct Chunk {
    long long First;
    int Parameter, pad;
};

struct Update {
    const void *Table, *Step, *Halt, *chunks;
};

struct Concat {
    const void *X;
    void *Y;
    int Rows, C, YChannels, First;
};

struct SumSlices {
    const void *Parts[8];
    void *Y;
    int Count, Rows, C, PartChannels, First;
};

struct Transpose {
    const void *X;
    void *Y;
    int N, Rows, Columns;
};

struct Cast {
    const void *X;
    void *Y;
    long long Count;
};

struct Fill {
    void *Y;
    long long Count;
    float Value;
};

struct Spin {
    long long Nanoseconds;
};
