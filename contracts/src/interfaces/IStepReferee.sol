// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title The referee: recomputes one element of one instruction (docs/exact-profile.md).
/// @notice Total: for every proven witness there is exactly one verdict; a witness that is not proven reverts by name and changes nothing.
interface IStepReferee {
    /// @notice What the recomputation says about the posted element.
    enum Verdict {
        /// The posted element is right.
        Same,
        /// The posted element is wrong: the poster loses.
        Different,
        /// The instruction breaks a rule of the profile: the poster loses.
        Malformed
    }

    /// @notice What the operands are proven against.
    struct Roots {
        /// The poster's trace root: a tree over `instructionCount` tensor roots.
        bytes32 traceRoot;
        /// The model's weights root: a tree over `weightCount` tensor roots.
        bytes32 weightsRoot;
        /// List hash of the request's input tensor roots.
        bytes32 inputRoot;
        uint32 instructionCount;
        uint32 weightCount;
    }

    /// @notice The leaves of one operand that the element needs, proven up to its space's root. One per operand of the instruction, in order.
    struct OperandWitness {
        /// Root of the operand's tensor.
        bytes32 tensorRoot;
        /// Path of `tensorRoot` in the trace or weights tree; empty for an input.
        bytes32[] tensorProof;
        /// Leaf numbers, strictly increasing.
        uint32[] leaves;
        /// The bytes of those leaves, one after the other (256 each; the tensor's last leaf may be shorter).
        bytes data;
        /// Multiproof of the leaves in the tensor.
        bytes32[] proof;
    }

    /// @notice Thrown when an operand's leaves do not belong to its tensor root, or its tensor root not to the trace, the weights or the input.
    error OperandNotProven(uint256 operand);
    /// @notice Thrown when the element needs a leaf that the witness does not carry.
    error OperandLeafMissing(uint256 operand, uint256 leaf);
    /// @notice Thrown when there is not one witness per operand.
    error WrongOperandCount(uint256 actual, uint256 expected);
    /// @notice Thrown when the element does not exist in the instruction's output.
    error ElementOutOfRange(uint256 element, uint256 elements);

    /// @notice Recomputes element `element` of instruction number `index` and compares it with the posted bytes.
    /// @param instruction The encoded instruction. The caller has proven that it belongs to the program.
    /// @param inputRoots The input tensor roots behind `roots.inputRoot`; may be empty when no operand is an input.
    /// @param posted The posted element's bytes as they stand in its leaf, as a little-endian number of the dtype's width (no sign extension).
    /// @return verdict What the recomputation says.
    /// @return expected The right element in the same form; 0 when malformed.
    function judge(
        Roots calldata roots,
        uint32 index,
        bytes calldata instruction,
        uint32 element,
        uint64 posted,
        bytes32[] calldata inputRoots,
        OperandWitness[] calldata operands
    ) external pure returns (Verdict verdict, uint64 expected);

    /// @notice Bytes and element width of the tensor an instruction computes, for walking into it.
    /// @return wellFormed False when the instruction breaks a rule of the profile that its own bytes show.
    /// @return tensorBytes Bytes of the output tensor; 0 when not well formed.
    /// @return elementBytes Bytes of one element; 0 when not well formed.
    function describe(uint32 index, bytes calldata instruction)
        external
        pure
        returns (bool wellFormed, uint32 tensorBytes, uint8 elementBytes);
}
