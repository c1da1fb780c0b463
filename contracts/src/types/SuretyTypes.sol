// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A request, numbered from 1 by the oracle.
type RequestId is uint256;
/// @notice An answer to a request: the request's number times 256 plus the attempt (0 for the first answer).
type AssertionId is uint256;
/// @notice A dispute game: the hash of what it disputes and of who disputes it (`IDisputeGame.gameIdOf`).
type GameId is uint256;
/// @notice keccak256(abi.encode(ModelHeader)): binds program, weights, graph and schema.
type ModelId is bytes32;

/// @notice Thrown on construction when a parameter breaks its bound; `name` says which.
error InvalidParameter(string name, uint256 actual, uint256 bound);

/// @notice Thrown when a number stands for another question than the caller meant (a reorg, a stale view).
error QuestionMismatch(bytes32 actual, bytes32 expected);

/// @notice One output of a model: the tensor of one instruction.
struct ModelOutput {
    uint32 instruction;
    uint32 bytes_;
}

/// @notice All the chain needs to know of a model. docs/exact-profile.md section 4 defines the roots.
struct ModelHeader {
    uint16 profileVersion;
    bytes32 programRoot;
    bytes32 weightsRoot;
    /// keccak256 of the onnxruntime graph nodes run.
    bytes32 graphHash;
    /// keccak256 of the canonical JSON of input and output names, dtypes and shapes.
    bytes32 schemaHash;
    uint32 instructionCount;
    uint32 weightCount;
    /// Bytes of each input, in the model's order; a request's input is their concatenation.
    uint32[] inputBytes;
    /// An answer's output is the concatenation of these tensors.
    ModelOutput[] outputs;
}

/// @notice When the consumer is called back.
enum Delivery {
    /// Once, after the challenge window.
    Final,
    /// Never: the result is read from the oracle.
    Pull,
    /// At once when an answer is posted, and again when that answer was wrong; finality is read from the oracle.
    Provisional,
    /// As `Provisional`, and once more after the challenge window.
    Both
}

enum RequestStatus {
    None,
    /// Waits for an answer.
    Open,
    /// Has an answer inside its window or under dispute.
    Asserted,
    /// Has its final answer.
    Final,
    /// Was never answered; the fee went back.
    Refunded
}
