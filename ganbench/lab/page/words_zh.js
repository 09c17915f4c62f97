// SPDX-License-Identifier: MIT
// The page's words in Chinese. What is missing here is said in English.

export const chinese = {};
