// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title The digit that ten f32 scores say, as a model for handwritten digits gives them.
library DigitScores {
    uint256 private constant CLASSES = 10;

    /// @notice Thrown when the model's output is not ten f32.
    error NotTenScores(uint256 actualBytes, uint256 expectedBytes);

    /// @notice The first of the largest scores.
    function best(bytes calldata scores) internal pure returns (uint8 digit) {
        if (scores.length != CLASSES * 4) revert NotTenScores(scores.length, CLASSES * 4);
        uint256 most = 0;
        for (uint256 i = 0; i < CLASSES; ++i) {
            uint256 key = _orderKey(scores[i * 4:i * 4 + 4]);
            if (key > most) (most, digit) = (key, uint8(i));
        }
    }

    /// @dev A number that orders little-endian f32 as IEEE-754 does: a negative number's bits count downwards. -0 equals +0, a NaN is least.
    function _orderKey(bytes calldata score) private pure returns (uint256) {
        uint256 bits = uint256(uint8(score[0])) | uint256(uint8(score[1])) << 8 | uint256(uint8(score[2])) << 16
            | uint256(uint8(score[3])) << 24;
        uint256 magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000) return 0;
        return bits == magnitude ? 0x80000000 + magnitude : 0x80000000 - magnitude;
    }
}
